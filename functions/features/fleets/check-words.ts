import { isImageId } from '../../drivers/contract/image-id.ts';
import { DRIVERS } from '../../drivers/registry.ts';
import type { Location } from '../../model/cloud.ts';
import type { Connection } from '../../model/connection.ts';
import type { DiskFields } from '../../model/disk.ts';
import type { GroupType } from '../../model/fleet.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { TagSources } from '../../model/labels.ts';
import type { LocationRights } from '../../model/location-rights.ts';
import type { MachineOptions } from '../../model/machine-options.ts';
import type { Warning } from '../../model/warning.ts';
import { type CatalogueEntries, readCatalogue } from '../../platform/store/catalogue.ts';
import { readVisible } from '../../platform/store/connection-shares.ts';
import type { Store } from '../../platform/store/store.ts';
import { checkDisks, checkRootSize } from './check-disks.ts';
import { checkMarkets, type GroupMarkets, resolveMarkets } from './check-markets.ts';
import { checkOptions } from './check-options.ts';
import { type NamedZones, TypeCheck, type Word } from './check-types.ts';
import type { RequestError } from './request-error.ts';

export type { RequestError } from './request-error.ts';

/**
 * The names in a node group that are looked up in the catalogue. A name that the request leaves out is not
 * looked up.
 */
export interface GroupWords {
  /** JSON pointer of the group in the request body. */
  pointer: string;
  connection: string;
  locations: { pointer: string; name: string }[];
  zone?: string | undefined;
  zones?: Word[] | undefined;
  instanceType?: string | undefined;
  /** The instance types in the order of trial. Absent: `instanceType` is the only one. */
  instanceTypes?: Word[] | undefined;
  image?: string | undefined;
  /** The options of the group's machines, and the fleet's labels. They are checked against what the driver offers. */
  options?: (MachineOptions & Pick<TagSources, 'fleetLabels'>) | undefined;
  /** The disks that the group requests. They are checked against what the connection's driver offers. */
  disks?: DiskFields | undefined;
  /** The group's markets and prices. They are checked against what the driver has and what the locations offer. */
  markets?: GroupMarkets | undefined;
}

/** Maximum number of zones in the message of an error. */
const MOST_ZONES = 20;

/** What the catalogue says about the names in a node group. */
export interface Meaning {
  connection: Connection;
  /** The group's locations, without those that the cloud denies. */
  locations: string[];
  /** Image ids by location. */
  imageBackendIds: Record<string, string>;
  /** True if the image is named by the cloud's own id. */
  imageIsGiven?: boolean;
  /** The locations at which the credential lacks rights, each with its pointer in the request. Absent: none. */
  lacking?: { pointer: string; rights: LocationRights }[];
  /** The group's zones by location. Absent: the group has no list of zones. */
  zonesIn?: Record<string, string[]>;
  /** The first instance type. The fields below are about this type. */
  instanceType: string;
  /** All instance types in the order of trial. Absent: the group has no list of types. */
  types?: GroupType[];
  /** Prices by location. A location is absent if the cloud reports no price there. */
  pricesUsdPerHour: Record<string, number>;
  /** Spot prices by location. A location is absent if it does not offer the type as spot. */
  spotPricesUsdPerHour?: Record<string, number>;
  /** What the user should know about the group's markets. Absent: nothing. */
  warnings?: Warning[];
  /** vCPUs of one instance. `gpus` and `memoryGb` are per instance, too. */
  vcpus: number;
  gpus: number;
  memoryGb: number;
}

/**
 * Looks up the names in node groups, for all connections concurrently. Reads only catalogue items whose exact
 * keys are known.
 *
 * @returns all errors, and the meaning of each group that has no errors
 */
export async function checkWords(
  store: Store<'access' | 'catalogue'>,
  namespace: string,
  groups: readonly GroupWords[],
): Promise<{ meanings: Map<GroupWords, Meaning>; errors: RequestError[] }> {
  const meanings = new Map<GroupWords, Meaning>();
  const errors: RequestError[] = [];
  await Promise.all(
    [...Map.groupBy(groups, (group) => group.connection)].map(async ([name, ofConnection]) => {
      const usable = await readUsable(store, namespace, name);
      if ('code' in usable) {
        errors.push(...ofConnection.map(({ pointer }) => ({ pointer: `${pointer}/connection`, ...usable })));
        return;
      }
      const found = await readEntries(store, connectionKey(usable), ofConnection);
      for (const group of ofConnection) {
        const answer = checkGroup(group, usable, found);
        errors.push(...answer.errors);
        if (answer.errors.length === 0) meanings.set(group, answer.meaning);
      }
    }),
  );
  return { meanings, errors };
}

/**
 * Returns the connection, or the reason why it cannot be used. A connection of another namespace counts as unknown, unless
 * it is shared with this one.
 */
async function readUsable(
  store: Store<'access'>,
  namespace: string,
  name: string,
): Promise<Connection | Omit<RequestError, 'pointer'>> {
  const visible = await readVisible(store, namespace, name);
  if (!visible) {
    return { code: 'unknown-connection', message: `namespace ${namespace} has no connection ${name}` };
  }
  const { connection, isShared } = visible;
  if (isShared && !connection.sharedWith?.includes(namespace)) {
    const message = `connection ${name} is no longer shared with namespace ${namespace}: what runs on it is managed until it is removed`;
    return { code: 'connection-not-ready', message };
  }
  if (connection.deletion) {
    return { code: 'connection-not-ready', message: `connection ${name} is being deleted` };
  }
  if (connection.status === 'Ready') return connection;
  const because = connection.failure && !isShared ? `: ${connection.failure.message}` : '';
  return { code: 'connection-not-ready', message: `connection ${name} is ${connection.status}${because}` };
}

async function readEntries(
  store: Store<'catalogue'>,
  key: string,
  groups: readonly GroupWords[],
): Promise<CatalogueEntries> {
  const each = groups.flatMap(({ locations, ...group }) =>
    locations.map(({ name }) => ({ location: name, types: typeNames(group), ...group })),
  );
  return await readCatalogue(store, key, {
    locations: each.map(({ location }) => location),
    instanceTypes: [...new Set(groups.flatMap(typeNames))],
    offers: each.flatMap(({ location, types, zone, zones }) =>
      types.flatMap((instanceType) =>
        offersOf(location, instanceType, zones?.map(({ name }) => name) ?? zone),
      ),
    ),
    images: each.flatMap(({ location, image }) => (image === undefined ? [] : [{ location, name: image }])),
  });
}

const typeNames = ({ instanceType, instanceTypes }: Pick<GroupWords, 'instanceType' | 'instanceTypes'>) =>
  instanceTypes?.map(({ name }) => name) ?? (instanceType === undefined ? [] : [instanceType]);

function offersOf(location: string, instanceType: string, zones: string | readonly string[] | undefined) {
  const named = typeof zones === 'string' ? [zones] : zones;
  return named?.map((zone) => ({ location, instanceType, zone })) ?? [{ location, instanceType }];
}

function checkGroup(
  {
    pointer,
    locations,
    zone,
    zones,
    instanceType,
    instanceTypes,
    image,
    disks = {},
    options = {},
    markets = {},
  }: GroupWords,
  connection: Connection,
  found: CatalogueEntries,
): { errors: RequestError[]; meaning: Meaning } {
  const driver = DRIVERS[connection.driver];
  const unsupported = checkMarkets(pointer, markets, driver);
  const errors = [
    ...checkDisks(pointer, disks, driver),
    ...checkOptions(pointer, options, driver),
    ...unsupported,
  ];
  const add = (field: string, code: string, message: string) =>
    errors.push({ pointer: `${pointer}/${field}`, code, message });
  const { name: ofConnection } = connection;
  const only = instanceType === undefined ? [] : [{ pointer: `${pointer}/instanceType`, name: instanceType }];
  const types = new TypeCheck(
    pointer,
    ofConnection,
    instanceTypes ?? only,
    instanceTypes !== undefined,
    found,
  );
  const meaning: Meaning = { connection, locations: [], imageBackendIds: {}, ...NO_TYPE };
  for (const { pointer: at, name: location } of usableOf(locations, found, meaning)) {
    const known = found.locations.get(location);
    if (!known) {
      errors.push({
        pointer: at,
        code: 'unknown-location',
        message: `connection ${ofConnection} has no location ${location}; see \`fleetwright location list --connection ${ofConnection}\``,
      });
      continue;
    }
    if (!known.available) {
      errors.push({ pointer: at, code: 'location-unavailable', message: whyUnavailable(known) });
    }
    const rights = found.rights.get(location);
    if (rights && rights.missing.length > 0)
      meaning.lacking = [...(meaning.lacking ?? []), { pointer: at, rights }];
    if (zone !== undefined && !known.zones.includes(zone)) {
      const message = `location ${location} has no zone ${zone}; its zones are: ${known.zones.join(', ')}`;
      add('zone', 'unknown-zone', message);
    }
    const named = zonesAt(known, zone, zones);
    if (zones && named) meaning.zonesIn = { ...meaning.zonesIn, [location]: [...named] };
    if (zones && named?.length === 0) {
      const message = `must name a zone of location ${location}; its zones are: ${known.zones.join(', ')}`;
      add('zones', 'no-zone-of-location', message);
    } else types.checkOffers(known, named);
    if (image === undefined) continue;
    const here = found.images.find(
      (one) =>
        one.name === image && one.available && (one.location === undefined || one.location === location),
    );
    if (!here && isImageId(image, driver, connection.cloud)) {
      // Only the cloud knows the image. The worker that prepares the site verifies it before anything is made.
      meaning.imageBackendIds[location] = image;
      meaning.imageIsGiven = true;
    } else if (!here)
      add(
        'image',
        'unknown-image',
        `image ${image} is not available in location ${location}; see \`fleetwright image list --connection ${ofConnection} --location ${location}\``,
      );
    else {
      meaning.imageBackendIds[location] = here.backendId;
      types.checkImage(here);
      errors.push(...checkRootSize(pointer, disks, here));
    }
  }
  errors.push(...unknownZones(zones, meaning.locations, found));
  const [first, ...others] = types.finish();
  errors.push(...types.errors);
  if (first) Object.assign(meaning, meaningOf([first, ...others], instanceTypes !== undefined));
  if (first && types.errors.length === 0 && unsupported.length === 0) {
    const known = meaning.locations.filter((name) => found.locations.has(name));
    const { warnings, locations: kept, ...answer } = resolveMarkets(pointer, meaning, markets, known);
    errors.push(...answer.errors);
    if (errors.length === 0) Object.assign(meaning, { locations: kept });
    if (warnings.length > 0) meaning.warnings = warnings;
  }
  return { errors: oncePerField(errors).map((error) => hinted(error, connection)), meaning };
}

const NO_TYPE = { instanceType: '', pricesUsdPerHour: {}, vcpus: 0, gpus: 0, memoryGb: 0 };

/** Returns what a node group keeps of its instance types. */
function meaningOf(
  types: readonly [GroupType, ...GroupType[]],
  isList: boolean,
): Pick<Meaning, keyof typeof NO_TYPE | 'types'> {
  const [{ name: instanceType, notOfferedIn: _, ...first }] = types;
  return { instanceType, ...first, ...(isList ? { types: [...types] } : {}) };
}

/** Returns the zones of a location that the group names; undefined if the group names no zones. */
function zonesAt(
  { zones: known }: Location,
  zone: string | undefined,
  zones: GroupWords['zones'],
): NamedZones {
  if (zones) return zones.flatMap(({ name }) => (known.includes(name) ? [name] : []));
  return zone === undefined ? undefined : [zone];
}

/** Finds the zones that no location of the group has. Nothing is said about the zones of unknown locations. */
function unknownZones(
  zones: GroupWords['zones'],
  locations: readonly string[],
  found: CatalogueEntries,
): RequestError[] {
  const known = locations.flatMap((name) => found.locations.get(name) ?? []);
  if (!zones || known.length < locations.length) return [];
  const all = known.flatMap((location) => location.zones);
  return zones
    .filter(({ name }) => !all.includes(name))
    .map(({ pointer, name }) => ({
      pointer,
      code: 'unknown-zone',
      message: `the node group's locations have no zone ${name}; their zones are: ${all.slice(0, MOST_ZONES).join(', ')}`,
    }));
}

/**
 * Returns the locations to use. Locations that the cloud denies to the connection are left out, so that the group goes
 * to its other locations at once. If the cloud denies all of them, all are returned, and each is an error.
 */
function usableOf(
  locations: GroupWords['locations'],
  found: CatalogueEntries,
  meaning: Pick<Meaning, 'locations'>,
): GroupWords['locations'] {
  const open = locations.filter(({ name }) => !found.locations.get(name)?.unavailable);
  const usable = open.length > 0 ? open : locations;
  meaning.locations.push(...usable.map(({ name }) => name));
  return usable;
}

function whyUnavailable({ name, unavailable }: Location): string {
  if (!unavailable) return `location ${name} is not available now`;
  const { message, since, askedAgainAt } = unavailable;
  const sinceWhen = since === undefined ? '' : ` since ${since}`;
  const again = askedAgainAt === undefined ? '' : `; it is asked again at ${askedAgainAt}`;
  return `the cloud denies location ${name} to this connection${sinceWhen}: ${message}${again}, or by \`fleetwright connection sync-inventory\``;
}

/**
 * Adds a hint to an error if the first inventory sync is not complete, because the catalogue may not contain
 * the name yet.
 */
function hinted(error: RequestError, { name, inventorySyncedAt }: Connection): RequestError {
  if (inventorySyncedAt !== undefined) return error;
  return {
    ...error,
    message: `${error.message}; the inventory of connection ${name} is still being read: try again later`,
  };
}

/**
 * Merges the errors about one name that is wrong in several locations. The message of the merged error ends
 * with the number of errors that were left out.
 */
function oncePerField(errors: readonly RequestError[]): RequestError[] {
  const byField = Map.groupBy(errors, ({ pointer, code }) => `${pointer} ${code}`);
  return [...byField.values()].flatMap(([first, ...others]) => {
    if (!first) return [];
    const message = others.length > 0 ? `${first.message} (and ${others.length} more)` : first.message;
    return [{ ...first, message }];
  });
}
