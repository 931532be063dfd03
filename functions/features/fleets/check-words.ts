import { DRIVERS } from '../../drivers/registry.ts';
import type { Location, Offer } from '../../model/cloud.ts';
import type { Connection } from '../../model/connection.ts';
import type { DiskFields } from '../../model/disk.ts';
import { connectionKey } from '../../model/identifiers.ts';
import { type CatalogueEntries, readCatalogue } from '../../platform/store/catalogue.ts';
import { readConnection } from '../../platform/store/connections.ts';
import type { Store } from '../../platform/store/store.ts';
import { checkDisks } from './check-disks.ts';
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
  instanceType?: string | undefined;
  image?: string | undefined;
  /** The disks that the group requests. They are checked against what the connection's driver offers. */
  disks?: DiskFields | undefined;
}

/** What the catalogue says about the names in a node group. */
export interface Meaning {
  connection: Connection;
  /** The group's locations, without those that the cloud denies. */
  locations: string[];
  /** Image ids by location. */
  imageBackendIds: Record<string, string>;
  /** Prices by location. A location is absent if the cloud reports no price there. */
  pricesUsdPerHour: Record<string, number>;
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

/** Returns the connection, or the reason why it cannot be used. A connection of another namespace counts as unknown. */
async function readUsable(
  store: Store<'access'>,
  namespace: string,
  name: string,
): Promise<Connection | Omit<RequestError, 'pointer'>> {
  const connection = await readConnection(store, namespace, name);
  if (!connection) {
    return { code: 'unknown-connection', message: `namespace ${namespace} has no connection ${name}` };
  }
  if (connection.deletion) {
    return { code: 'connection-not-ready', message: `connection ${name} is being deleted` };
  }
  if (connection.status === 'Ready') return connection;
  const because = connection.failure ? `: ${connection.failure.message}` : '';
  return { code: 'connection-not-ready', message: `connection ${name} is ${connection.status}${because}` };
}

async function readEntries(
  store: Store<'catalogue'>,
  key: string,
  groups: readonly GroupWords[],
): Promise<CatalogueEntries> {
  const each = groups.flatMap(({ locations, ...group }) =>
    locations.map(({ name }) => ({ location: name, ...group })),
  );
  return await readCatalogue(store, key, {
    locations: each.map(({ location }) => location),
    instanceTypes: groups.flatMap(({ instanceType }) => instanceType ?? []),
    offers: each.flatMap(({ location, instanceType, zone }) =>
      instanceType === undefined ? [] : [{ location, instanceType, ...(zone === undefined ? {} : { zone }) }],
    ),
    images: each.flatMap(({ location, image }) => (image === undefined ? [] : [{ location, name: image }])),
  });
}

function checkGroup(
  { pointer, locations, zone, instanceType, image, disks = {} }: GroupWords,
  connection: Connection,
  found: CatalogueEntries,
): { errors: RequestError[]; meaning: Meaning } {
  const errors = checkDisks(pointer, disks, DRIVERS[connection.driver]);
  const add = (field: string, code: string, message: string) =>
    errors.push({ pointer: `${pointer}/${field}`, code, message });
  const { name: ofConnection } = connection;
  const type = instanceType === undefined ? undefined : found.instanceTypes.get(instanceType);
  if (instanceType !== undefined && !type) {
    add(
      'instanceType',
      'unknown-instance-type',
      `connection ${ofConnection} has no instance type ${instanceType}; see \`fleetwright instance-type list --connection ${ofConnection}\``,
    );
  }
  const meaning: Meaning = {
    connection,
    locations: [],
    imageBackendIds: {},
    pricesUsdPerHour: {},
    vcpus: type?.vcpus ?? 0,
    gpus: type?.gpu?.count ?? 0,
    memoryGb: type?.memoryGb ?? 0,
  };
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
      errors.push({
        pointer: at,
        code: 'location-unavailable',
        message: whyUnavailable(known),
      });
    }
    if (zone !== undefined && !known.zones.includes(zone)) {
      add(
        'zone',
        'unknown-zone',
        `location ${location} has no zone ${zone}; its zones are: ${known.zones.join(', ')}`,
      );
    }
    if (type) {
      const offer = bestOffer(found.offers, location, zone, type.name);
      if (!offer?.available)
        add(
          'instanceType',
          'not-offered',
          `instance type ${type.name} is not offered in ${zone === undefined ? '' : `zone ${zone} of `}location ${location} now`,
        );
      if (offer?.priceUsdPerHour !== undefined) meaning.pricesUsdPerHour[location] = offer.priceUsdPerHour;
    }
    if (image === undefined) continue;
    const here = found.images.find(
      (one) =>
        one.name === image && one.available && (one.location === undefined || one.location === location),
    );
    if (!here)
      add(
        'image',
        'unknown-image',
        `image ${image} is not available in location ${location}; see \`fleetwright image list --connection ${ofConnection} --location ${location}\``,
      );
    else meaning.imageBackendIds[location] = here.backendId;
    if (here && type && !here.architectures.includes(type.architecture)) {
      const message = `image ${image} is for ${here.architectures.join(', ')}, but instance type ${type.name} is ${type.architecture}`;
      add('image', 'architecture-mismatch', message);
    }
  }
  return { errors: oncePerField(errors).map((error) => hinted(error, connection)), meaning };
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
 * Returns the zone's offer, because its price and availability are more precise than in the location's offer.
 * If the zone has no offer, returns the offer of the whole location.
 */
function bestOffer(
  offers: readonly Offer[],
  location: string,
  zone: string | undefined,
  instanceType: string,
): Offer | undefined {
  const here = offers.filter((one) => one.location === location && one.instanceType === instanceType);
  return (
    here.find((one) => zone !== undefined && one.zone === zone) ?? here.find((one) => one.zone === undefined)
  );
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
