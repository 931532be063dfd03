import * as z from 'zod';
import { blockOf, blocksOfPool, cidrsOverlap } from '../../model/address-range.ts';
import { rangesKey, rangesPartition } from './keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';
import { type TransactItem, transactWrite } from './transact.ts';

/**
 * An address range that shared networks of other sites may not have: that of a shared network, taken from before the
 * network is made until it is gone, or a range that a user reserves for the network of a site.
 */
const takenRangeSchema = z.object({
  cidr: z.string(),
  connectionKey: z.string(),
  location: z.string(),
  /** The network's name. Absent: a reservation. */
  name: z.string().optional(),
});
export type TakenRange = z.infer<typeof takenRangeSchema>;

/**
 * The taken ranges within one block. Two networks of one block have an item in common, and the item has a version.
 * Therefore no two overlapping ranges are taken at the same time. Networks in different blocks do not wait for each
 * other. The item of a block without ranges stays, so that no version is used twice.
 */
const blockItemSchema = z.object({ sk: z.string(), version: z.number(), ranges: z.array(takenRangeSchema) });
type BlockItem = z.infer<typeof blockItemSchema>;

/** Reads the taken ranges of a namespace, with strongly consistent reads. */
async function readBlocks(store: Store<'fleets'>, namespace: string): Promise<BlockItem[]> {
  const keys = { pk: rangesPartition(namespace), prefix: '', consistent: true };
  return await queryAll(store, store.tables.fleets, keys, (item) => blockItemSchema.parse(item));
}

/**
 * Result of a choice of a range: the write that takes it; `taken` if it overlaps with another range; `full` if the pool
 * has no free block.
 */
export type RangeChoice =
  | { cidr: string; write: TransactItem }
  | { taken: TakenRange; cidr: string }
  | 'full';

/**
 * Chooses the range of a new network. The network gets the range that is reserved for its site, or else a whole block of
 * the pool. The search begins at a random block, so that networks that are made at the same time do not all try the
 * same one.
 */
export async function chooseRange(
  store: Store<'fleets'>,
  namespace: string,
  network: Omit<TakenRange, 'cidr'> & { name: string },
  pool: string,
): Promise<RangeChoice> {
  const blocks = await readBlocks(store, namespace);
  const reserved = blocks.flatMap(({ ranges }) => ranges).find((one) => isReservationOf(one, network));
  const cidr = reserved?.cidr ?? freeBlock(store, pool, blocks);
  if (cidr === undefined) return 'full';
  const block = blocks.find(({ sk }) => sk === blockOf(cidr));
  const others = (block?.ranges ?? []).filter((one) => one !== reserved);
  const taken = others.find((one) => cidrsOverlap(one.cidr, cidr));
  if (taken) return { taken, cidr };
  const ranges = [...(block?.ranges ?? []), { ...network, cidr }];
  return { cidr, write: putOf(store, namespace, blockOf(cidr), ranges, block?.version) };
}

const isReservationOf = (
  { connectionKey, location, name }: TakenRange,
  site: Pick<TakenRange, 'connectionKey' | 'location'>,
): boolean => name === undefined && connectionKey === site.connectionKey && location === site.location;

function freeBlock(
  { random }: Pick<Store<'fleets'>, 'random'>,
  pool: string,
  blocks: readonly BlockItem[],
): string | undefined {
  const isTaken = new Set(blocks.flatMap(({ sk, ranges }) => (ranges.length > 0 ? [sk] : [])));
  const free = blocksOfPool(pool).filter((block) => !isTaken.has(block));
  return free[Math.floor(random() * free.length)];
}

/** Returns the write that gives back a network's range; undefined if the network has no range any more. */
export async function releaseOf(
  store: Store<'fleets'>,
  namespace: string,
  { cidr, name }: { cidr: string; name: string },
): Promise<TransactItem | undefined> {
  const block = (await readBlocks(store, namespace)).find(({ sk }) => sk === blockOf(cidr));
  if (!block?.ranges.some((one) => one.name === name)) return undefined;
  const left = block.ranges.filter((one) => one.name !== name);
  return putOf(store, namespace, block.sk, left, block.version);
}

function putOf(
  store: Store<'fleets'>,
  namespace: string,
  block: string,
  ranges: readonly TakenRange[],
  seen: number | undefined,
): TransactItem {
  return {
    Put: {
      TableName: store.tables.fleets,
      Item: { ...rangesKey(namespace, block), version: (seen ?? 0) + 1, ranges },
      ...(seen === undefined
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : {
            ConditionExpression: 'version = :seen',
            ExpressionAttributeValues: { ':seen': seen },
          }),
    },
  };
}

/** A range that cannot be reserved: it overlaps with `with`. */
export interface OverlappingRange {
  location: string;
  with: TakenRange;
}

/**
 * Reserves ranges for the shared networks that are made next at a connection's locations, in one transaction. Replaces
 * all earlier reservations of the connection. Networks that stand keep their ranges.
 *
 * @param ranges CIDRs by location; empty: the connection has no reservation any more
 * @param further conditions of the transaction
 * @returns the ranges that overlap with those of other sites; nothing is written then. `contended`: other workers have
 *   changed the ranges since they were read, or a further condition does not hold
 */
export async function reserveRanges(
  store: Store<'fleets'>,
  { namespace, connectionKey }: { namespace: string; connectionKey: string },
  ranges: Readonly<Record<string, string>>,
  further: readonly TransactItem[] = [],
): Promise<'reserved' | 'contended' | { overlapping: OverlappingRange[] }> {
  const blocks = await readBlocks(store, namespace);
  const wanted = Object.entries(ranges).map(([location, cidr]) => ({ cidr, connectionKey, location }));
  const isOwn = (one: TakenRange) => one.connectionKey === connectionKey && one.name === undefined;
  const others = [...blocks.flatMap((block) => block.ranges.filter((one) => !isOwn(one))), ...wanted];
  const overlapping = wanted.flatMap((one): OverlappingRange[] => {
    const other = others.find((taken) => !isOfSite(taken, one) && cidrsOverlap(taken.cidr, one.cidr));
    return other ? [{ location: one.location, with: other }] : [];
  });
  if (overlapping.length > 0) return { overlapping };
  const changed = new Set([
    ...blocks.filter((block) => block.ranges.some(isOwn)).map(({ sk }) => sk),
    ...wanted.map(({ cidr }) => blockOf(cidr)),
  ]);
  const writes = [...changed].map((sk) => {
    const block = blocks.find((one) => one.sk === sk);
    const kept = (block?.ranges ?? []).filter((one) => !isOwn(one));
    const added = wanted.filter(({ cidr }) => blockOf(cidr) === sk);
    return putOf(store, namespace, sk, [...kept, ...added], block?.version);
  });
  if (writes.length === 0) return 'reserved';
  return (await transactWrite(store, [...writes, ...further])).length === 0 ? 'reserved' : 'contended';
}

const isOfSite = (
  one: Pick<TakenRange, 'connectionKey' | 'location'>,
  other: Pick<TakenRange, 'connectionKey' | 'location'>,
): boolean => one.connectionKey === other.connectionKey && one.location === other.location;

/** Reads the reservations of a connection: CIDRs by location. */
export async function readReservations(
  store: Store<'fleets'>,
  { namespace, connectionKey }: { namespace: string; connectionKey: string },
): Promise<Record<string, string>> {
  const taken = (await readBlocks(store, namespace)).flatMap(({ ranges }) => ranges);
  const own = taken.filter((one) => one.connectionKey === connectionKey && one.name === undefined);
  return Object.fromEntries(own.map(({ location, cidr }) => [location, cidr]));
}
