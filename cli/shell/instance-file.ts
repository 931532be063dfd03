import * as z from 'zod';
import { type InstanceRequest, instanceRequestSchema } from '../../functions/model/fleet-request.ts';
import {
  type InstanceListRequest,
  instanceListRequestSchema,
  isInstanceList,
} from '../../functions/model/instance-list.ts';
import { issueErrors } from '../../functions/model/issue-text.ts';
import type { World } from './context.ts';
import { usageError } from './exit.ts';
import { nameOf, readText } from './files.ts';
import { withUserDataFile, withUserDataFiles } from './user-data-file.ts';
import { checkContent, type Located, parseYaml, pointerOf } from './yaml-file.ts';

/** Fields of a request that flags give. A field without a value is not given. */
export type GivenFields = Readonly<Record<string, unknown>>;

const objectSchema = z.record(z.string(), z.unknown());
/** Fields whose parts a flag replaces one by one. */
const MERGED = new Set(['labels', 'tags', 'ssh', 'metadataOptions']);

/** Fields of a list of instances that flags may give. The other fields belong to one of its instances. */
const OF_LIST = new Set(['name', 'description', 'network']);

/**
 * Returns the request for an instance, or for several, that flags and a file give together. A flag replaces the field
 * of the file. Labels, tags, `ssh` and `metadataOptions` are merged.
 *
 * @param file YAML or JSON with the fields of an instance, or with a list of instances; `-` is standard input; absent:
 *   flags only
 * @param count number of alike instances; absent: one, or as the file says
 * @throws CliError (wrong use) that names line and column of every error of the file, or the wrong field
 */
export async function readInstanceRequest(
  world: World,
  file: string | undefined,
  given: GivenFields,
  count?: number,
): Promise<{ body: InstanceRequest | InstanceListRequest; source?: Located<unknown> }> {
  if (file === undefined) return { body: counted(checkFields(merge({}, given)), count) };
  const name = nameOf(file);
  const parsed = parseYaml(name, await readText(world, file));
  if (isInstanceList(parsed.value)) return await readList(world, file, parsed, given, count);
  const value = await withUserDataFile(world, file, parsed);
  const fields = objectSchema.safeParse(value);
  const merged = { ...parsed, value: fields.success ? merge(fields.data, given) : value };
  const { value: body } = checkContent(name, merged, instanceRequestSchema);
  return { body: counted(body, count), source: parsed };
}

async function readList(
  world: World,
  file: string,
  parsed: Located<unknown>,
  given: GivenFields,
  count: number | undefined,
): Promise<{ body: InstanceListRequest; source: Located<unknown> }> {
  const present = Object.entries({ ...given, count }).filter(([, value]) => value !== undefined);
  const ofOne = present.filter(([field]) => !OF_LIST.has(field)).map(([field]) => field);
  if (ofOne.length > 0)
    throw usageError(
      `${nameOf(file)} has a list of instances, and flags give fields of one instance: ${ofOne.join(', ')}`,
      'Write these fields into the entries of the list. Flags may give its name, description and network.',
    );
  const value = await withUserDataFiles(world, file, parsed, 'instances');
  const fields = objectSchema.parse(value);
  const merged = { ...parsed, value: merge(fields, given) };
  const { value: body } = checkContent(nameOf(file), merged, instanceListRequestSchema);
  return { body, source: parsed };
}

/** Returns the request for alike instances; the request itself if no count is given. */
function counted(request: InstanceRequest, count: number | undefined): InstanceRequest | InstanceListRequest {
  if (count === undefined) return request;
  const { description, network, ...machine } = request;
  return {
    name: machine.name,
    ...(description === undefined ? {} : { description }),
    ...(network === undefined ? {} : { network }),
    instances: [{ ...machine, count }],
  };
}

function merge(file: GivenFields, flags: GivenFields): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...file };
  for (const [field, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const both = [file[field], value].map((one) => objectSchema.safeParse(one).data);
    const [earlier, later] = both;
    merged[field] = MERGED.has(field) && earlier && later ? merge(earlier, later) : value;
  }
  return merged;
}

function checkFields(fields: Record<string, unknown>): InstanceRequest {
  const parsed = instanceRequestSchema.safeParse(fields);
  if (parsed.success) return parsed.data;
  throw usageError(
    'the flags give no complete request',
    'Give the fields named above by flags or in a file (-f); see `fleetwright instance create --help`.',
    issueErrors(parsed.error, instanceRequestSchema, fields).map(
      ({ path, message }) => `${pointerOf(path)}: ${message}`,
    ),
  );
}
