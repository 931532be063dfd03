import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { cloudSchema } from '../../model/cloud.ts';
import { driverNameSchema } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';
import { fieldErrorSchema } from '../../model/field-error.ts';
import { networkModeSchema } from '../../model/network-choice.ts';
import { type InstanceStatus, instanceStatusSchema } from '../../model/status.ts';
import { choicesAt, priceOf } from '../placement/choose-type.ts';
import type { Placement } from '../placement/lay-out.ts';
import { type AwaitItem, awaitItemSchema } from './awaits.ts';
import { unpricedIn } from './counters.ts';
import { AWAIT_PREFIX, fleetKey, PLACEMENT_PREFIX, placementKey } from './keys.ts';
import type { Store } from './store.ts';
import { stuckItemSchema } from './stuck.ts';

/**
 * The launch gate of a placement: attempts are claimed only while launching is `on`. A later round can turn it on again
 * after `paused`, but not after `ended`.
 */
const launchingSchema = z.enum(['on', 'paused', 'ended']);

/**
 * A fleet's share of one site, with its counters. Every change of an instance's status changes these counters in the
 * same transaction (`transition`), so that they always agree with the records.
 */
export const placementItemSchema = z.object({
  fleetId: z.string(),
  connection: z.string(),
  connectionKey: z.string(),
  driver: driverNameSchema,
  cloud: cloudSchema,
  location: z.string(),
  /** The network that the fleet uses here, for users. Absent in placements that an earlier release opened. */
  network: z.object({ mode: networkModeSchema, networkId: z.string().optional() }).optional(),
  first: z.number(),
  requested: z.number(),
  launching: launchingSchema,
  /** The latest round for which launching was turned on or paused. */
  round: z.number(),
  /** Time at which launching was turned on for that round, in ms since 1970. Absent in items of an earlier release. */
  openedAtMs: z.number().optional(),
  counts: z.partialRecord(instanceStatusSchema, z.number()),
  /**
   * Counters for each node group: the number of its instances in each status. `lost<round>` is the number of its
   * instances that failed permanently in that round. `ended<round>` is the number of its instances that were last
   * claimed in that round and have ended, and `moving` the number of those that are about to move (`hasEnded`,
   * `isMoving`). `unpriced<status>` is the number of those in that status whose price is not known.
   */
  groups: z.record(z.string(), z.record(z.string(), z.number())),
  failureCounts: z.record(z.string(), z.number()),
  failureExamples: z.record(z.string(), z.string()),
  /** Reason why nothing can be launched here. Set if the network resources could not be created. */
  blocked: z
    .object({ code: z.string(), message: z.string(), errors: z.array(fieldErrorSchema).optional() })
    .optional(),
  /** The latest round in which everything that the fleet names by the cloud's own ids here was found in order. */
  verifiedRound: z.number().optional(),
  /**
   * Instances whose removal failed, by the latest poll that tried to remove one of them: their number, the id of one
   * instance, its error, and the largest number of tries. Out of date if the instances have ended since.
   */
  stuck: stuckItemSchema.extend({ instances: z.number(), instanceId: z.string() }).optional(),
  /** Absent in placements that a release opened which did not count `ended<round>` and `moving`. */
  countsRounds: z.literal(true).optional(),
  /** Absent in placements that a release opened which did not count `unpriced<status>`. */
  countsPrices: z.literal(true).optional(),
  /**
   * Names of the node groups of which an instance type has no known price at this location, in one of their markets. Of
   * use only in placements without `countsPrices`.
   */
  unpricedGroups: z.array(z.string()).default([]),
  /** For each node group whose request names disks without a known price: their number for each instance. */
  unpricedDisks: z.record(z.string(), z.number()).default({}),
  /** Sum of the prices of the running instances, in millionths of a dollar per hour. */
  microUsdPerHour: z.number(),
  /**
   * For each run of an instance, price × start time is added at the start, and price × end time is subtracted at the
   * end. Prices are in millionths of a dollar per hour; times are seconds since the creation of the fleet. See
   * `costUsd`.
   */
  microUsdSeconds: z.number(),
});
export type PlacementItem = z.infer<typeof placementItemSchema>;

function newItem(
  fleetId: string,
  placement: Placement,
  launching: PlacementItem['launching'],
  round: number,
): PlacementItem {
  const { connection, connectionKey, driver, cloud, location, network, first, count, ranges } = placement;
  return {
    fleetId,
    connection,
    connectionKey,
    driver,
    cloud,
    location,
    network: {
      mode: network.mode,
      ...(network.mode === 'existing' ? { networkId: network.given.networkId } : {}),
    },
    first,
    requested: count,
    launching,
    round,
    counts: {},
    groups: Object.fromEntries(ranges.map(({ group }) => [group.name, {}])),
    failureCounts: {},
    failureExamples: {},
    countsRounds: true,
    countsPrices: true,
    unpricedDisks: Object.fromEntries(
      ranges.flatMap(({ group }) => {
        const unpriced = group.disksPrices?.[location]?.unpriced ?? 0;
        return unpriced > 0 ? [[group.name, unpriced]] : [];
      }),
    ),
    unpricedGroups: ranges.flatMap(({ group }) =>
      choicesAt(group, location).some((choice) => priceOf(choice, location) === undefined)
        ? [group.name]
        : [],
    ),
    microUsdPerHour: 0,
    microUsdSeconds: 0,
  };
}

/**
 * Turns launching on at a placement, for a round. Changes nothing if launching was paused for this round or a later
 * round, or has ended.
 */
export async function openPlacement(
  store: Store<'fleets'>,
  fleetId: string,
  placement: Placement,
  round: number,
): Promise<void> {
  const openedAtMs = store.clock.now();
  if (await putAbsent(store, { ...newItem(fleetId, placement, 'on', round), openedAtMs })) return;
  await updateLaunching(store, fleetId, placement, {
    UpdateExpression: 'SET launching = :on, #round = :round, openedAtMs = :now REMOVE blocked',
    ConditionExpression: 'launching IN (:on, :paused) AND #round < :round',
    ExpressionAttributeNames: { '#round': 'round' },
    ExpressionAttributeValues: { ':on': 'on', ':paused': 'paused', ':round': round, ':now': openedAtMs },
  });
}

/** Pauses launching at a placement for a round; a later round may resume it. */
export async function pausePlacement(
  store: Store<'fleets'>,
  fleetId: string,
  placement: Placement,
  round: number,
): Promise<void> {
  await closeGate(store, newItem(fleetId, placement, 'paused', round), {
    UpdateExpression: 'SET launching = :paused, #round = :round',
    // If the placement was paused in an earlier round, this round is recorded as well. A late Assign step of this round
    // then cannot turn launching on.
    ConditionExpression: 'launching IN (:on, :paused) AND #round <= :round',
    ExpressionAttributeNames: { '#round': 'round' },
    ExpressionAttributeValues: { ':on': 'on', ':paused': 'paused', ':round': round },
  });
}

/** Ends launching at a placement permanently. Creates the placement if it does not exist yet. */
export async function endPlacement(
  store: Store<'fleets'>,
  fleetId: string,
  placement: Placement,
): Promise<void> {
  await closeGate(store, newItem(fleetId, placement, 'ended', 0), {
    UpdateExpression: 'SET launching = :ended',
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeValues: { ':ended': 'ended' },
  });
}

/**
 * Changes the launch gate of a placement, or puts the placement if it does not exist yet. Most placements exist, and a
 * refused write costs as much as another.
 */
async function closeGate(
  store: Store<'fleets'>,
  item: PlacementItem,
  update: LaunchingUpdate,
): Promise<void> {
  const { fleetId } = item;
  if (await updateLaunching(store, fleetId, item, update)) return;
  if (await putAbsent(store, item)) return;
  // Another worker may have opened the placement after the first update.
  await updateLaunching(store, fleetId, item, update);
}

type LaunchingUpdate = Omit<ConstructorParameters<typeof UpdateCommand>[0], 'TableName' | 'Key'>;

/** @returns false if the condition does not hold */
async function updateLaunching(
  store: Store<'fleets'>,
  fleetId: string,
  { connectionKey, location }: Pick<Placement, 'connectionKey' | 'location'>,
  update: LaunchingUpdate,
): Promise<boolean> {
  try {
    await store.document.send(
      new UpdateCommand({
        ...update,
        TableName: store.tables.fleets,
        Key: placementKey(fleetId, connectionKey, location),
      }),
    );
    return true;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return false;
  }
}

/** Returns a failure as the field `blocked` of a placement. */
export const reasonOf = ({ code, message, errors }: Failure): NonNullable<PlacementItem['blocked']> => ({
  code,
  message,
  ...(errors ? { errors } : {}),
});

/** Records why nothing can be launched at a placement. */
export async function blockPlacement(
  store: Store<'fleets'>,
  { fleetId, connectionKey, location }: { fleetId: string; connectionKey: string; location: string },
  failure: Failure,
): Promise<void> {
  await store.document.send(
    new UpdateCommand({
      TableName: store.tables.fleets,
      Key: placementKey(fleetId, connectionKey, location),
      UpdateExpression: 'SET blocked = :blocked',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':blocked': reasonOf(failure) },
    }),
  );
}

/** Records which instances of a placement cannot be removed. @param stuck absent: there are none */
export async function recordStuck(
  store: Store<'fleets'>,
  { fleetId, connectionKey, location }: { fleetId: string; connectionKey: string; location: string },
  stuck: PlacementItem['stuck'],
): Promise<void> {
  await store.document.send(
    new UpdateCommand({
      TableName: store.tables.fleets,
      Key: placementKey(fleetId, connectionKey, location),
      UpdateExpression: stuck ? 'SET stuck = :stuck' : 'REMOVE stuck',
      ConditionExpression: 'attribute_exists(pk)',
      ...(stuck ? { ExpressionAttributeValues: { ':stuck': stuck } } : {}),
    }),
  );
}

async function putAbsent(store: Store<'fleets'>, item: PlacementItem): Promise<boolean> {
  try {
    await store.document.send(
      new PutCommand({
        TableName: store.tables.fleets,
        Item: { ...placementKey(item.fleetId, item.connectionKey, item.location), ...item },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

export async function readPlacement(
  store: Store<'fleets'>,
  fleetId: string,
  connectionKey: string,
  location: string,
): Promise<PlacementItem | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({
      TableName: store.tables.fleets,
      Key: placementKey(fleetId, connectionKey, location),
      ConsistentRead: true,
    }),
  );
  return Item ? placementItemSchema.parse(Item) : undefined;
}

/**
 * Reads a fleet's item (unparsed), all placements of the fleet, and the workflow steps that wait for its launches. They
 * are in one partition, with a few hundred small items at most.
 */
export async function readFleetPartition(
  store: Store<'fleets'>,
  fleetId: string,
): Promise<{ meta: unknown; placements: PlacementItem[]; awaits: AwaitItem[] }> {
  const placements: PlacementItem[] = [];
  const awaits: AwaitItem[] = [];
  let meta: unknown;
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.document.send(
      new QueryCommand({
        TableName: store.tables.fleets,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': fleetKey(fleetId).pk },
        ConsistentRead: true,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    for (const item of page.Items ?? []) {
      const sk = String(item['sk']);
      if (sk.startsWith(PLACEMENT_PREFIX)) placements.push(placementItemSchema.parse(item));
      else if (sk.startsWith(AWAIT_PREFIX)) awaits.push(awaitItemSchema.parse(item));
      else if (sk === fleetKey(fleetId).sk) meta = item;
    }
    start = page.LastEvaluatedKey;
  } while (start);
  return { meta, placements, awaits };
}

const LIVE: readonly InstanceStatus[] = [
  'Creating',
  'Running',
  'Suspending',
  'Suspended',
  'Resuming',
  'Rebooting',
  'Terminating',
  'Undefined',
];

/**
 * Counts the instances of the placement that may exist at the cloud, including instances whose create call has not gone
 * out yet.
 */
export function liveCount({ counts }: Pick<PlacementItem, 'counts'>): number {
  return LIVE.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
}

/**
 * Counts the instances of a placement without a known price: the instances that cost money now, and all instances that
 * cost or did cost money. Instances in Creating, Planned and Failed do not count.
 */
export function unpricedCounts({
  groups,
  countsPrices,
  unpricedGroups,
  unpricedDisks,
}: Pick<PlacementItem, 'groups' | 'countsPrices' | 'unpricedGroups' | 'unpricedDisks'>): {
  now: number;
  soFar: number;
  /** Disks of instances that cost money now. */
  disks: number;
} {
  const of = (
    name: string,
    statuses: readonly InstanceStatus[],
    counterOf: (status: InstanceStatus) => string = (status) => status,
  ) => statuses.reduce((sum, status) => sum + (groups[name]?.[counterOf(status)] ?? 0), 0);
  const unpriced = (statuses: readonly InstanceStatus[]) =>
    countsPrices
      ? Object.keys(groups).reduce((sum, name) => sum + of(name, statuses, unpricedIn), 0)
      : unpricedGroups.reduce((sum, name) => sum + of(name, statuses), 0);
  const now = unpriced(COSTING);
  const disks = Object.entries(unpricedDisks).reduce(
    (sum, [name, count]) => sum + count * of(name, COSTING),
    0,
  );
  return { now, soFar: now + unpriced(['Terminated']), disks };
}

const COSTING: readonly InstanceStatus[] = LIVE.filter((status) => status !== 'Creating');

/** Returns the names of the node groups for which `liveCount` counts an instance of this placement. */
export function liveGroups({ groups }: Pick<PlacementItem, 'groups'>): Set<string> {
  const alive = Object.entries(groups).filter(([, counts]) =>
    LIVE.some((status) => (counts[status] ?? 0) > 0),
  );
  return new Set(alive.map(([name]) => name));
}

/**
 * Counts the instances that no worker has claimed. They have no record, or their status is Planned: another attempt
 * follows.
 */
export function unclaimedCount({ counts, requested }: Pick<PlacementItem, 'counts' | 'requested'>): number {
  const { Planned: _waiting, ...claimed } = counts;
  return requested - Object.values(claimed).reduce((sum, count) => sum + count, 0);
}

/**
 * Returns the cost so far, in dollars, exact to a few millionths of a dollar. Of a run that has ended,
 * `microUsdSeconds` contains −price × duration. Of a run that has not ended, it contains price × start time, which is
 * subtracted here from price × present time.
 */
export function costUsd(
  { microUsdPerHour, microUsdSeconds }: PlacementItem,
  secondsSinceCreation: number,
): number {
  return Math.max(0, microUsdPerHour * secondsSinceCreation - microUsdSeconds) / 3_600 / 1e6;
}
