import type { Image, InstanceType, Location, Offer } from '../model/cloud.ts';
import type { Connection } from '../model/connection.ts';
import type { NodeGroup } from '../model/fleet.ts';
import type { FleetRequest, NodeGroupRequest } from '../model/fleet-request.ts';
import { connectionKey } from '../model/identifiers.ts';
import { readImages, readInstanceTypes, readLocations, readOffers } from '../store/catalogue.ts';
import type { Store } from '../store/client.ts';
import { readConnection } from '../store/connections.ts';

/** What a request says that the catalogue cannot bear out. Same shape as the API's field errors. */
export interface RequestError {
  pointer: string;
  code: string;
  message: string;
}

/**
 * Resolves every word of a request against the catalogue: exact keys only, all connections side by side.
 *
 * @returns the node groups as they will be built, or every error at once
 */
export async function resolveRequest(
  store: Store<'access' | 'catalogue'>,
  namespace: string,
  request: FleetRequest,
): Promise<{ nodeGroups: NodeGroup[] } | { errors: RequestError[] }> {
  const errors: RequestError[] = [];
  if (request.failurePolicy !== 'continue') {
    errors.push({
      pointer: '/failurePolicy',
      code: 'unsupported-policy',
      message: `${request.failurePolicy} is not supported yet; use continue`,
    });
  }
  const numbered = request.nodeGroups.map((group, at) => ({ group, pointer: `/nodeGroups/${at}` }));
  const byConnection = Map.groupBy(numbered, ({ group }) => group.connection);
  const resolved = new Map<string, NodeGroup>();
  await Promise.all(
    [...byConnection].map(async ([name, groups]) => {
      const connection = await readConnection(store, namespace, name);
      const why = connection ? unusable(connection) : undefined;
      if (!connection || why) {
        const error = why ?? {
          code: 'unknown-connection',
          message: `namespace ${namespace} has no connection ${name}`,
        };
        errors.push(...groups.map(({ pointer }) => ({ pointer: `${pointer}/connection`, ...error })));
        return;
      }
      const words = await readWords(
        store,
        connectionKey(namespace, name),
        groups.map(({ group }) => group),
      );
      for (const { group, pointer } of groups) {
        const found = resolveGroup(group, pointer, connection, words);
        errors.push(...found.errors);
        resolved.set(group.name, found.nodeGroup);
      }
    }),
  );
  if (errors.length > 0) return { errors: errors.toSorted((a, b) => comparePointers(a.pointer, b.pointer)) };
  return { nodeGroups: request.nodeGroups.flatMap(({ name }) => resolved.get(name) ?? []) };
}

function unusable({ name, status, failure }: Connection): Omit<RequestError, 'pointer'> | undefined {
  if (status === 'Ready') return undefined;
  const because = failure ? `: ${failure.message}` : '';
  return { code: 'connection-not-ready', message: `connection ${name} is ${status}${because}` };
}

interface Words {
  locations: Map<string, Location>;
  types: Map<string, InstanceType>;
  offers: Offer[];
  images: Image[];
}

async function readWords(
  store: Store<'catalogue'>,
  key: string,
  groups: readonly NodeGroupRequest[],
): Promise<Words> {
  const each = groups.flatMap((group) => group.locations.map((location) => ({ group, location })));
  const [locations, types, offers, images] = await Promise.all([
    readLocations(
      store,
      key,
      each.map(({ location }) => location),
    ),
    readInstanceTypes(
      store,
      key,
      groups.map(({ instanceType }) => instanceType),
    ),
    readOffers(
      store,
      key,
      each.map(({ group: { instanceType, zone }, location }) => ({
        location,
        instanceType,
        ...(zone === undefined ? {} : { zone }),
      })),
    ),
    readImages(
      store,
      key,
      each.map(({ group, location }) => ({ location, name: group.image })),
    ),
  ]);
  return { locations, types, offers, images };
}

function resolveGroup(
  group: NodeGroupRequest,
  pointer: string,
  { driver, cloud, name }: Connection,
  words: Words,
): { errors: RequestError[]; nodeGroup: NodeGroup } {
  const errors: RequestError[] = [];
  const add = (field: string, code: string, message: string) =>
    errors.push({ pointer: `${pointer}/${field}`, code, message });
  const type = words.types.get(group.instanceType);
  if (!type) add('instanceType', 'unknown-instance-type', `${name} knows no type ${group.instanceType}`);
  const imageBackendIds: Record<string, string> = {};
  const pricesUsdPerHour: Record<string, number> = {};
  const knownLocations = group.locations.filter((location, at) => {
    const found = words.locations.get(location);
    if (!found) add(`locations/${at}`, 'unknown-location', `${name} knows no location ${location}`);
    else if (!found.available)
      add(`locations/${at}`, 'location-unavailable', `${location} is not available now`);
    else if (group.zone !== undefined && !found.zones.includes(group.zone)) {
      add('zone', 'unknown-zone', `${location} has the zones ${found.zones.join(', ')}`);
    } else return true;
    return false;
  });
  for (const location of knownLocations) {
    const offer = words.offers.find(
      (one) => one.location === location && one.instanceType === group.instanceType,
    );
    if (type && !offer)
      add('instanceType', 'not-offered', `${group.instanceType} is not offered in ${location}`);
    if (offer && !offer.available)
      add('instanceType', 'not-offered', `${group.instanceType} is not to be had in ${location}`);
    if (offer?.priceUsdPerHour !== undefined) pricesUsdPerHour[location] = offer.priceUsdPerHour;
    const image = words.images.find(
      (one) => one.name === group.image && (one.location === undefined || one.location === location),
    );
    if (!image?.available) add('image', 'unknown-image', `${group.image} is not in ${location}`);
    else if (type && !image.architectures.includes(type.architecture)) {
      add(
        'image',
        'architecture-mismatch',
        `${group.image} is for ${image.architectures.join(', ')}, ${type.name} is ${type.architecture}`,
      );
    } else imageBackendIds[location] = image.backendId;
  }
  return {
    errors: unique(errors),
    nodeGroup: { ...group, driver, cloud, imageBackendIds, pricesUsdPerHour },
  };
}

/** A word that is wrong in every location is told once for all of them. */
function unique(errors: readonly RequestError[]): RequestError[] {
  const byField = Map.groupBy(errors, ({ pointer, code }) => `${pointer} ${code}`);
  return [...byField.values()].flatMap(([first, ...others]) => {
    if (!first) return [];
    const message = others.length > 0 ? `${first.message} (and ${others.length} more)` : first.message;
    return [{ ...first, message }];
  });
}

function comparePointers(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
