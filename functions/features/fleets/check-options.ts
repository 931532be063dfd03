import type { DriverFeature, DriverMetadata, TagRules } from '../../drivers/contract/metadata.ts';
import { machineTags, type TagSources } from '../../model/labels.ts';
import type { MachineOptions } from '../../model/machine-options.ts';
import type { RequestError } from './request-error.ts';
import { checkUserData } from './user-data.ts';

type Driver = Pick<DriverMetadata, 'title' | 'features' | 'tagRules'>;

/** The feature that a driver needs for each option. */
const NEEDED = {
  tags: 'tags',
  userData: 'user-data',
  identity: 'identity',
  placementGroup: 'placement-groups',
  metadataOptions: 'metadata-options',
} as const satisfies Partial<Record<keyof MachineOptions, DriverFeature>>;
const OPTIONS = ['tags', 'userData', 'identity', 'placementGroup', 'metadataOptions'] as const;
const NAMES: Readonly<Record<(typeof OPTIONS)[number], string>> = {
  tags: 'tags',
  userData: 'user data',
  identity: 'identities of machines',
  placementGroup: 'placement groups',
  metadataOptions: 'options of the metadata service',
};

/**
 * Checks the options of a node group's machines against what the driver's clouds have. Pure.
 *
 * @param pointer JSON pointer of the group in the request body
 */
export function checkOptions(
  pointer: string,
  options: MachineOptions & Pick<TagSources, 'fleetLabels'>,
  driver: Driver,
): RequestError[] {
  const absent = OPTIONS.filter(
    (field) => options[field] !== undefined && !driver.features.includes(NEEDED[field]),
  ).map((field) => ({
    pointer: `${pointer}/${field}`,
    code: 'unsupported',
    message: `the driver of ${driver.title} does not support ${NAMES[field]}`,
  }));
  const large = checkUserData(pointer, options.userData);
  return [...absent, ...large, ...(driver.tagRules ? checkTags(pointer, options, driver.tagRules) : [])];
}

function checkTags(pointer: string, sources: TagSources, rules: TagRules): RequestError[] {
  const { fleetLabels = {}, labels = {}, tags = {} } = sources;
  const errors = [
    ...checkKeys('/labels', fleetLabels, rules),
    ...checkKeys(`${pointer}/labels`, labels, rules),
    ...checkKeys(`${pointer}/tags`, tags, rules),
  ];
  const count = Object.keys(machineTags(sources)).length;
  if (count <= rules.most) return errors;
  const owner = Object.keys(tags).length > 0 ? `${pointer}/tags` : undefined;
  const ofGroup = Object.keys(labels).length > 0 ? `${pointer}/labels` : '/labels';
  const message = `the cloud keeps at most ${rules.most} tags of a user at a machine; labels and tags are ${count} together`;
  return [...errors, { pointer: owner ?? ofGroup, code: 'too-big', message }];
}

function checkKeys(pointer: string, tags: Readonly<Record<string, string>>, rules: TagRules): RequestError[] {
  return Object.entries(tags).flatMap(([key, value]) => {
    const fault = faultOf(key, value, rules);
    return fault ? [{ pointer: `${pointer}/${escaped(key)}`, ...fault }] : [];
  });
}

function faultOf(
  key: string,
  value: string,
  { keyPattern, maxKeyLength, maxValueLength, reserved }: TagRules,
): { code: string; message: string } | undefined {
  const taken = reserved.find((name) => isReserved(key, name));
  if (taken !== undefined)
    return { code: 'reserved', message: `must have another name: ${taken} is reserved` };
  if (key.length > maxKeyLength)
    return { code: 'too-big', message: `must be a name of at most ${maxKeyLength} characters at this cloud` };
  if (!new RegExp(`^(?:${keyPattern})$`, 'u').test(key))
    return { code: 'invalid-format', message: `must be a name that matches ${keyPattern} at this cloud` };
  if (value.length > maxValueLength)
    return { code: 'too-big', message: `must have at most ${maxValueLength} characters at this cloud` };
  return undefined;
}

/** Returns true if a tag has a reserved name. A name that ends with `*` reserves all keys that begin with it. */
function isReserved(key: string, name: string): boolean {
  return name.endsWith('*') ? key.toLowerCase().startsWith(name.slice(0, -1)) : key === name;
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
