import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { cloudSchema } from '../../model/cloud.ts';
import { driverNameSchema } from '../../model/connection.ts';
import { type InstanceStatus, instanceStatusSchema } from '../../model/status.ts';
import type { Placement } from '../placement/lay-out.ts';
import { fleetKey, PLACEMENT_PREFIX, placementKey } from './keys.ts';
import type { Store } from './store.ts';

/**
 * The launch gate of a placement: create calls are claimed only while launching is on. A later round can resume paused
 * launching, but not launching that has ended.
 */
const launchingSchema = z.enum(['on', 'paused', 'ended']);

/**
 * A fleet's share of one site, with its counters. Every change of an instance's status changes these counters in the
 * same transaction (`transition`), so that they always agree with the records.
 */
const placementItemSchema = z.object({
  fleetId: z.string(),
  connection: z.string(),
  connectionKey: z.string(),
  driver: driverNameSchema,
  cloud: cloudSchema,
  location: z.string(),
  first: z.number(),
  requested: z.number(),
  launching: launchingSchema,
  /** The last round for which launching was turned on or paused. */
  round: z.number(),
  counts: z.partialRecord(instanceStatusSchema, z.number()),
  /**
   * Counters by node group: the number of instances in each status and, as `lost<round>`, of those that failed
   * permanently in a round.
   */
  groups: z.record(z.string(), z.record(z.string(), z.number())),
  failureCounts: z.record(z.string(), z.number()),
  failureExamples: z.record(z.string(), z.string()),
  /** The reason why nothing can be launched here. It is set if the network resources could not be created. */
  blocked: z.object({ code: z.string(), message: z.string() }).optional(),
  /** Sum of the prices of the running instances, in millionths of a dollar per hour. */
  microUsdPerHour: z.number(),
  /**
   * Sum of price × (start − end) of all runs, in millionths of a dollar per hour times seconds; see
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
  const { connection, connectionKey, driver, cloud, location, first, count, ranges } = placement;
  return {
    fleetId,
    connection,
    connectionKey,
    driver,
    cloud,
    location,
    first,
    requested: count,
    launching,
    round,
    counts: {},
    groups: Object.fromEntries(ranges.map(({ group }) => [group.name, {}])),
    failureCounts: {},
    failureExamples: {},
    microUsdPerHour: 0,
    microUsdSeconds: 0,
  };
}

/**
 * Turns launching on at a placement, for a round. Launching that was paused for this round, or has ended, stays as it
 * is.
 */
export async function openPlacement(
  store: Store<'fleets'>,
  fleetId: string,
  placement: Placement,
  round: number,
): Promise<void> {
  if (await putAbsent(store, newItem(fleetId, placement, 'on', round))) return;
  await updateLaunching(store, fleetId, placement, {
    UpdateExpression: 'SET launching = :on, #round = :round REMOVE blocked',
    ConditionExpression: 'launching IN (:on, :paused) AND #round < :round',
    ExpressionAttributeNames: { '#round': 'round' },
    ExpressionAttributeValues: { ':on': 'on', ':paused': 'paused', ':round': round },
  });
}

/** Pauses launching at a placement for a round; a later round may resume it. */
export async function pausePlacement(
  store: Store<'fleets'>,
  fleetId: string,
  placement: Placement,
  round: number,
): Promise<void> {
  if (await putAbsent(store, newItem(fleetId, placement, 'paused', round))) return;
  await updateLaunching(store, fleetId, placement, {
    UpdateExpression: 'SET launching = :paused, #round = :round',
    // A placement that was paused in an earlier round records this round too, so that a late Assign step cannot resume
    // it.
    ConditionExpression: 'launching IN (:on, :paused) AND #round <= :round',
    ExpressionAttributeNames: { '#round': 'round' },
    ExpressionAttributeValues: { ':on': 'on', ':paused': 'paused', ':round': round },
  });
}

/** Ends launching at a placement permanently. Creates the placement if the Assign step has not done so yet. */
export async function endPlacement(
  store: Store<'fleets'>,
  fleetId: string,
  placement: Placement,
): Promise<void> {
  if (await putAbsent(store, newItem(fleetId, placement, 'ended', 0))) return;
  await updateLaunching(store, fleetId, placement, {
    UpdateExpression: 'SET launching = :ended',
    ExpressionAttributeValues: { ':ended': 'ended' },
  });
}

type LaunchingUpdate = Omit<ConstructorParameters<typeof UpdateCommand>[0], 'TableName' | 'Key'>;

async function updateLaunching(
  store: Store<'fleets'>,
  fleetId: string,
  { connectionKey, location }: Placement,
  update: LaunchingUpdate,
): Promise<void> {
  try {
    await store.document.send(
      new UpdateCommand({
        ...update,
        TableName: store.tables.fleets,
        Key: placementKey(fleetId, connectionKey, location),
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

/** Records why nothing can be launched at a placement. */
export async function blockPlacement(
  store: Store<'fleets'>,
  { fleetId, connectionKey, location }: { fleetId: string; connectionKey: string; location: string },
  blocked: { code: string; message: string },
): Promise<void> {
  await store.document.send(
    new UpdateCommand({
      TableName: store.tables.fleets,
      Key: placementKey(fleetId, connectionKey, location),
      UpdateExpression: 'SET blocked = :blocked',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':blocked': blocked },
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

/** Reads a fleet's item (not parsed) and all its placements: one partition, at most 201 small items. */
export async function readFleetPartition(
  store: Store<'fleets'>,
  fleetId: string,
): Promise<{ meta: unknown; placements: PlacementItem[] }> {
  const placements: PlacementItem[] = [];
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
      if (String(item['sk']).startsWith(PLACEMENT_PREFIX)) placements.push(placementItemSchema.parse(item));
      else meta = item;
    }
    start = page.LastEvaluatedKey;
  } while (start);
  return { meta, placements };
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

/** Counts the placement's instances that may exist at the cloud, or are about to be created. */
export function liveCount({ counts }: Pick<PlacementItem, 'counts'>): number {
  return LIVE.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
}

/** Returns the node groups with instances here that may exist at the cloud, or are about to be created. */
export function liveGroups({ groups }: Pick<PlacementItem, 'groups'>): Set<string> {
  const alive = Object.entries(groups).filter(([, counts]) =>
    LIVE.some((status) => (counts[status] ?? 0) > 0),
  );
  return new Set(alive.map(([name]) => name));
}

/**
 * Counts the instances that no worker has claimed: instances without a record, and instances that wait for another
 * attempt.
 */
export function unclaimedCount({ counts, requested }: Pick<PlacementItem, 'counts' | 'requested'>): number {
  const { Planned: _waiting, ...claimed } = counts;
  return requested - Object.values(claimed).reduce((sum, count) => sum + count, 0);
}

/**
 * Returns the cost so far, in dollars. For each run, `microUsdSeconds` has price × start added and price × end
 * subtracted. This function therefore adds price × now for the instances that still run. The result is exact to a few
 * millionths of a dollar.
 */
export function costUsd(
  { microUsdPerHour, microUsdSeconds }: PlacementItem,
  secondsSinceCreation: number,
): number {
  return Math.max(0, microUsdPerHour * secondsSinceCreation - microUsdSeconds) / 3_600 / 1e6;
}
