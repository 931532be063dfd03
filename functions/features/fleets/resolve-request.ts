import * as z from 'zod';
import { type DisksPrice, disksPriceOf } from '../../drivers/contract/disk-price.ts';
import { DRIVERS } from '../../drivers/registry.ts';
import type { Connection } from '../../model/connection.ts';
import { type DiskFields, dataDisksSchema, rootDiskOf, rootDiskSchema } from '../../model/disk.ts';
import type { FleetSpec, NodeGroup } from '../../model/fleet.ts';
import {
  type FleetRequest,
  MAX_GROUPS_PER_FLEET,
  MAX_PLACEMENTS_PER_FLEET,
} from '../../model/fleet-request.ts';
import { cloudWordSchema, nameSchema } from '../../model/identifiers.ts';
import { labelsSchema, type TagSources } from '../../model/labels.ts';
import { type MachineOptions, machineOptionsRemains } from '../../model/machine-options.ts';
import { marketRemains } from '../../model/market.ts';
import { publicIpUsdPerHour } from '../../model/public-ip-price.ts';
import { typeChoiceRemains } from '../../model/type-choice.ts';
import { MAX_WARNINGS, type Warning } from '../../model/warning.ts';
import { lightestType, typesOf } from '../../platform/placement/choose-type.ts';
import { findFleetByName } from '../../platform/store/new-fleet.ts';
import type { Store } from '../../platform/store/store.ts';
import { checkDoors, checkGroupSources } from './check-doors.ts';
import { type GroupMarkets, warnOfUnknownPrices } from './check-markets.ts';
import type { QuotaDemand } from './check-quotas.ts';
import { checkTotals, type GroupDemand } from './check-totals.ts';
import type { Word } from './check-types.ts';
import { checkWords, type GroupWords, type Meaning, type RequestError } from './check-words.ts';
import { chooseNetworks, type LocatedGroup } from './choose-networks.ts';
import { findQuotaShortfalls } from './find-quota-shortfalls.ts';
import { storedUserData } from './user-data.ts';
import { warnOfNoRoute, warnOfOpenDoors, warnOfPrices } from './warn-doors.ts';
import { warnOfRights } from './warn-rights.ts';

type Stores = Store<'fleets' | 'access' | 'catalogue'>;

export type { Stores as AcceptStores };

interface Resolved extends Required<Pick<FleetSpec, 'networks'>> {
  nodeGroups: NodeGroup[];
  connections: Connection[];
  /** What the user should know, sorted by JSON pointer. */
  warnings: Warning[];
}

/**
 * Resolves the names in a request against the catalogue.
 *
 * @returns the node groups to create, and the connections and networks that they use; or all errors, sorted by
 *   JSON pointer
 */
export async function resolveRequest(
  store: Stores,
  namespace: string,
  request: FleetRequest,
): Promise<Resolved | { errors: RequestError[] }> {
  const words = request.nodeGroups.map((group, at) => wordsOf(group, at, request.labels));
  const { meanings, errors } = await checkWords(store, namespace, words);
  errors.push(...checkTotals(demandsOf(request, words, meanings)));
  const quotas = await findQuotaShortfalls(store, quotaDemandsOf(request, words, meanings));
  errors.push(...quotas.errors);
  const located = locatedGroups(request, words, meanings);
  const chosen = chooseNetworks(request, located);
  errors.push(...chosen.errors, ...checkGroupSources(request.nodeGroups));
  errors.push(...located.flatMap((group) => checkDoors(group)));
  if (errors.length > 0) {
    errors.push(...(await nameErrors(store, namespace, request.name)));
    return { errors: inOrder(errors) };
  }
  const used = [...meanings.values()].map(({ connection }) => [connection.name, connection] as const);
  return {
    connections: [...new Map(used).values()],
    networks: chosen.networks,
    warnings: inOrder([
      ...located.flatMap((group, at) =>
        warningsOf(group, words[at] && meanings.get(words[at]), chosen.networks),
      ),
      ...quotas.warnings,
    ]).slice(0, MAX_WARNINGS),
    nodeGroups: request.nodeGroups.map((group, at) => {
      const meaning = words[at] && meanings.get(words[at]);
      if (!meaning)
        throw new Error(`node group ${group.name} was not resolved, although no error was found in it`);
      const { connection, lacking: _warnedOf, warnings: _told, ...resolved } = meaning;
      const userData = group.userData === undefined ? {} : { userData: storedUserData(group.userData) };
      const address = addressPriceOf(group, meaning);
      const disks = disksPricesOf(group, meaning);
      return {
        ...group,
        ...userData,
        driver: connection.driver,
        cloud: connection.cloud,
        ...(connection.namespace === namespace ? {} : { sharedBy: connection.namespace }),
        ...resolved,
        ...(address === undefined ? {} : { publicIpUsdPerHour: address }),
        ...(disks === undefined ? {} : { disksPrices: disks }),
      };
    }),
  };
}

/** Returns the node groups without errors, with what the network of each depends on. */
function locatedGroups(
  request: FleetRequest,
  words: readonly GroupWords[],
  meanings: ReadonlyMap<GroupWords, Meaning>,
): LocatedGroup[] {
  return request.nodeGroups.flatMap((group, at) => {
    const meaning = words[at] && meanings.get(words[at]);
    if (!meaning) return [];
    const { connection, locations, zonesIn } = meaning;
    return [{ pointer: `/nodeGroups/${at}`, group, connection, locations, zonesIn }];
  });
}

/** Returns what the node groups without errors request of their connections. */
function demandsOf(
  request: FleetRequest,
  words: readonly GroupWords[],
  meanings: ReadonlyMap<GroupWords, Meaning>,
): GroupDemand[] {
  return request.nodeGroups.flatMap(({ size }, at) => {
    const group = words[at];
    const meaning = group && meanings.get(group);
    return meaning ? [{ ...meaning, ...lightestType(typesOf(meaning)), pointer: group.pointer, size }] : [];
  });
}

/** Returns what the need of the node groups without errors depends on. */
function quotaDemandsOf(
  request: FleetRequest,
  words: readonly GroupWords[],
  meanings: ReadonlyMap<GroupWords, Meaning>,
): QuotaDemand[] {
  return request.nodeGroups.flatMap((group, at): QuotaDemand[] => {
    const asked = words[at];
    const meaning = asked && meanings.get(asked);
    if (!meaning) return [];
    const { connection, locations } = meaning;
    const { pointer } = asked;
    return [
      {
        pointer,
        connection,
        locations,
        size: group.size,
        choice: { ...meaning, markets: group.markets, maxUsdPerHour: group.maxUsdPerHour },
        disks: group,
      },
    ];
  });
}

const word = cloudWordSchema.optional().catch(undefined);
const name = nameSchema.optional().catch(undefined);

/**
 * Schema for bodies that the request schema refuses. Keeps the well-formed fields of a body, and drops the
 * other fields.
 */
const remainsSchema = z.object({
  name,
  labels: labelsSchema.optional().catch(undefined),
  nodeGroups: z
    .array(
      z
        .object({
          connection: name,
          locations: z.array(word).max(MAX_PLACEMENTS_PER_FLEET).catch([]),
          ...typeChoiceRemains.shape,
          ...marketRemains.shape,
          image: word,
          rootDisk: rootDiskSchema.optional().catch(undefined),
          dataDisks: dataDisksSchema.optional().catch(undefined),
          ...machineOptionsRemains.shape,
        })
        .optional()
        .catch(undefined),
    )
    .max(MAX_GROUPS_PER_FLEET)
    .catch([]),
});

/**
 * Looks up the names in a body that the request schema refuses, and returns the errors. Only well-formed
 * fields are looked up. The user then sees all errors of the request together.
 */
export async function inspectRefused(
  store: Stores,
  namespace: string,
  body: unknown,
): Promise<RequestError[]> {
  const remains = remainsSchema.safeParse(body).data;
  if (!remains) return [];
  const words = remains.nodeGroups.flatMap((group, at) =>
    group?.connection === undefined
      ? []
      : [wordsOf({ ...group, connection: group.connection }, at, remains.labels)],
  );
  const [{ errors }, taken] = await Promise.all([
    checkWords(store, namespace, words),
    remains.name === undefined ? [] : nameErrors(store, namespace, remains.name),
  ]);
  return inOrder([...taken, ...errors]);
}

function wordsOf(
  group: Omit<
    GroupWords,
    'pointer' | 'locations' | 'zones' | 'instanceTypes' | 'disks' | 'options' | 'markets'
  > &
    MachineOptions &
    GroupMarkets &
    DiskFields &
    NamesInLists,
  at: number,
  fleetLabels: TagSources['fleetLabels'],
): GroupWords {
  const { connection, zone, instanceType, image, rootDiskGb, rootDisk, dataDisks } = group;
  const { labels, tags, userData, identity, placementGroup, metadataOptions } = group;
  const { size, markets, reservationId, maxUsdPerHour, maxOnDemandPercent } = group;
  const pointer = `/nodeGroups/${at}`;
  return {
    pointer,
    connection,
    zone,
    zones: group.zones && wordsIn(`${pointer}/zones`, group.zones),
    instanceType,
    instanceTypes: group.instanceTypes && wordsIn(`${pointer}/instanceTypes`, group.instanceTypes),
    image,
    disks: { rootDiskGb, rootDisk, dataDisks },
    options: { fleetLabels, labels, tags, userData, identity, placementGroup, metadataOptions },
    markets: { size, markets, reservationId, maxUsdPerHour, maxOnDemandPercent },
    locations: wordsIn(`${pointer}/locations`, group.locations),
  };
}

/** The lists of names in a node group. A name that is not well-formed is undefined. */
interface NamesInLists {
  locations: (string | undefined)[];
  zones?: (string | undefined)[] | undefined;
  instanceTypes?: (string | undefined)[] | undefined;
}

function wordsIn(pointer: string, names: readonly (string | undefined)[]): Word[] {
  return names.flatMap((name, index) =>
    name === undefined ? [] : [{ pointer: `${pointer}/${index}`, name }],
  );
}

export async function nameErrors(store: Stores, namespace: string, fleet: string): Promise<RequestError[]> {
  const holder = await findFleetByName(store, namespace, fleet);
  return holder === undefined
    ? []
    : [{ pointer: '/name', code: 'duplicate', message: `is the name of fleet ${holder}` }];
}

function warningsOf(
  { pointer, group, connection }: LocatedGroup,
  meaning: Meaning | undefined,
  networks: FleetSpec['networks'] = [],
): Warning[] {
  const isGiven = networks.some(
    (one) => one.connection === connection.name && one.network.mode === 'existing',
  );
  return [
    ...warnOfOpenDoors(pointer, group),
    ...(isGiven ? [] : warnOfNoRoute(pointer, group, DRIVERS[connection.driver])),
    ...(meaning ? [...(meaning.warnings ?? []), ...warnOfPrices(pointer, { ...group, ...meaning })] : []),
    ...(meaning ? warnOfUnknownPrices(pointer, { ...group, ...meaning }) : []),
    ...(meaning ? warnOfRights(meaning, isGiven) : []),
  ];
}

/** Returns the price of the public address of one machine. Undefined: it has none, or its price is not known. */
function addressPriceOf(
  { publicIp = true }: Pick<NodeGroup, 'publicIp'>,
  { connection: { driver, cloud }, locations: [location = ''] }: Meaning,
): number | undefined {
  const hasAddress = publicIp && DRIVERS[driver].features.includes('public-ips');
  return hasAddress ? publicIpUsdPerHour(cloud, location) : undefined;
}

/** Returns the price of the disks of one machine at each location; undefined if the request names no disks. */
function disksPricesOf(
  group: DiskFields,
  { connection: { driver }, locations }: Meaning,
): Record<string, DisksPrice> | undefined {
  const root = rootDiskOf(group);
  const disks = [...(root ? [root] : []), ...(group.dataDisks ?? [])];
  if (disks.length === 0) return undefined;
  const at = (location: string) => disksPriceOf(DRIVERS[driver], location, disks);
  return Object.fromEntries(locations.map((location) => [location, at(location)]));
}

/** Sorts errors or warnings by JSON pointer. One about a field of the fleet may be found once for each node group. */
function inOrder<Found extends { pointer: string; code: string; message: string }>(
  found: readonly Found[],
): Found[] {
  const unique = new Map(found.map((one) => [`${one.pointer} ${one.code} ${one.message}`, one]));
  return [...unique.values()].sort((a, b) => a.pointer.localeCompare(b.pointer, 'en', { numeric: true }));
}
