import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { type FleetSpec, fleetSpecSchema } from '../model/fleet.ts';
import { type FleetAction, fleetActionSchema } from '../model/fleet-action.ts';
import { failurePolicySchema } from '../model/fleet-request.ts';
import { type FleetStatus, fleetStatusSchema } from '../model/status.ts';
import type { Store } from './client.ts';
import {
  ACTIVE_PARTITION,
  BY_ACTIVITY_INDEX,
  BY_NAMESPACE_INDEX,
  fleetKey,
  idempotencyKey,
  nameKey,
  namespacePartition,
  specKey,
} from './keys.ts';
import { transactWrite } from './transact.ts';

const IDEMPOTENCY_SECONDS = 24 * 3_600;

/**
 * What is to be done about a fleet, by a workflow: `provision` launches what is missing and settles by the failure
 * policy; `refine` removes what failed and what only that needed; `remove` removes everything.
 */
export const workSchema = z.enum(['provision', 'refine', 'remove']);
export type Work = z.infer<typeof workSchema>;

/** A fleet's own item: what is true of the whole. Counts stand in its placements. */
const fleetItemSchema = z.object({
  fleetId: z.string(),
  namespace: z.string(),
  name: z.string(),
  description: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
  status: fleetStatusSchema,
  failurePolicy: failurePolicySchema,
  minimumInstances: z.number().optional(),
  requested: z.number(),
  connections: z.array(z.string()),
  /** Of launching, from 1: a retry or a release begins the next one, and opens the gates anew. */
  round: z.number(),
  /** What is to be done, and is not done yet. */
  work: workSchema.optional(),
  /** Number of the workflow execution that does, or did, the work: `executionName`. */
  execution: z.number(),
  /** When that execution was to start. */
  workSinceMs: z.number(),
  /** How often in a row the work's execution ended without having done it. */
  interruptions: z.number(),
  /** What the user asked for last, so that asking twice is asking once. */
  lastAction: fleetActionSchema.optional(),
  /** The user wants no more launched in this round. */
  abortedRound: z.number().optional(),
  /** Its launches are to be stopped, and it is not certain yet that all gates rest. */
  gatesToRest: z.literal(true).optional(),
  /** A held fleet is withdrawn then. */
  heldUntilMs: z.number().optional(),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  runningAt: z.string().optional(),
  terminatedAt: z.string().optional(),
  sshKeyParameter: z.string().optional(),
  sshPublicKey: z.string().optional(),
});
export type FleetItem = z.infer<typeof fleetItemSchema>;

export interface NewFleet {
  spec: FleetSpec;
  request: {
    description?: string | undefined;
    labels?: Record<string, string> | undefined;
    failurePolicy: FleetItem['failurePolicy'];
    minimumInstances?: number | undefined;
    hold?: { expiresInSeconds?: number | undefined } | undefined;
  };
  idempotency?: { key: string; requestHash: string } | undefined;
}

export type CreateFleetOutcome =
  | { outcome: 'created' | 'replayed' | 'name-taken'; fleetId: string }
  | { outcome: 'key-reused' };

const lockSchema = z.object({ fleetId: z.string(), requestHash: z.string().optional() });

/**
 * Writes a fleet with its name lock and idempotency record, all or nothing. The same idempotency key with the
 * same hash yields the first fleet again; with another hash, `key-reused`.
 */
export async function createFleet(
  store: Store<'fleets'>,
  { spec, request, idempotency }: NewFleet,
): Promise<CreateFleetOutcome> {
  const { fleetId, namespace, name } = spec;
  const table = store.tables.fleets;
  const nowMs = store.clock.now();
  const earlier = idempotency ? await readReplay(store, namespace, idempotency) : undefined;
  if (earlier) return earlier;
  await store.document.send(new PutCommand({ TableName: table, Item: { ...specKey(fleetId), ...spec } }));
  const meta: FleetItem = {
    fleetId,
    namespace,
    name,
    description: request.description,
    labels: request.labels ?? {},
    status: request.hold ? 'Held' : 'Preparing',
    failurePolicy: request.failurePolicy,
    minimumInstances: request.minimumInstances,
    requested: spec.nodeGroups.reduce((sum, group) => sum + group.size, 0),
    connections: [...new Set(spec.nodeGroups.map((group) => group.connection))],
    round: 1,
    ...(request.hold ? {} : { work: 'provision' }),
    execution: request.hold ? 0 : 1,
    workSinceMs: nowMs,
    interruptions: 0,
    ...(request.hold ? { lastAction: 'hold' } : {}),
    heldUntilMs: holdEnd(nowMs, request.hold),
    createdAt: new Date(nowMs).toISOString(),
  };
  const absent = 'attribute_not_exists(pk)';
  const refusals = await transactWrite(store, [
    {
      Put: {
        TableName: table,
        Item: { ...nameKey(namespace, name), fleetId },
        ConditionExpression: absent,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    },
    {
      Put: {
        TableName: table,
        Item: {
          ...fleetKey(fleetId),
          nsPk: namespacePartition(namespace),
          nsSk: fleetId,
          ...(isActive(meta) ? activityOf(fleetId) : {}),
          ...meta,
        },
        ConditionExpression: absent,
      },
    },
    ...(idempotency
      ? [
          {
            Put: {
              TableName: table,
              Item: {
                ...idempotencyKey(namespace, idempotency.key),
                fleetId,
                requestHash: idempotency.requestHash,
                expiresAt: Math.floor(nowMs / 1_000) + IDEMPOTENCY_SECONDS,
              },
              // TTL deletes late: an expired record that still stands counts as absent.
              ConditionExpression: `${absent} OR expiresAt < :nowSeconds`,
              ExpressionAttributeValues: { ':nowSeconds': Math.floor(nowMs / 1_000) },
            },
          },
        ]
      : []),
  ]);
  if (refusals.length === 0) return { outcome: 'created', fleetId };
  const replay = idempotency ? await readReplay(store, namespace, idempotency) : undefined;
  if (replay) return replay;
  const lock = lockSchema.safeParse(refusals.find(({ at }) => at === 0)?.item);
  if (lock.success) return { outcome: 'name-taken', fleetId: lock.data.fleetId };
  throw new Error(`fleet ${fleetId} could not be written: its id stands already`);
}

/** What an idempotency key stands for already; undefined when it is new, or older than a day. */
export async function readReplay(
  store: Store<'fleets'>,
  namespace: string,
  { key, requestHash }: { key: string; requestHash: string },
): Promise<CreateFleetOutcome | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({
      TableName: store.tables.fleets,
      Key: idempotencyKey(namespace, key),
      ConsistentRead: true,
    }),
  );
  const record = lockSchema.extend({ expiresAt: z.number() }).safeParse(Item);
  if (!record.success || record.data.expiresAt * 1_000 < store.clock.now()) return undefined;
  if (record.data.requestHash !== requestHash) return { outcome: 'key-reused' };
  return { outcome: 'replayed', fleetId: record.data.fleetId };
}

/** The fleet's own item, read strongly. */
export async function readFleetItem(store: Store<'fleets'>, fleetId: string): Promise<FleetItem | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.fleets, Key: fleetKey(fleetId), ConsistentRead: true }),
  );
  return Item ? fleetItemSchema.parse(Item) : undefined;
}

export function parseFleetItem(item: unknown): FleetItem {
  return fleetItemSchema.parse(item);
}

/** @throws Error when there is no such fleet: a spec is written before anything that names it */
export async function readSpec(store: Store<'fleets'>, fleetId: string): Promise<FleetSpec> {
  // It never changes, so that the cheap read will do, but in the moment after it was written.
  for (const ConsistentRead of [false, true]) {
    const { Item } = await store.document.send(
      new GetCommand({ TableName: store.tables.fleets, Key: specKey(fleetId), ConsistentRead }),
    );
    if (Item) return fleetSpecSchema.parse(Item);
  }
  throw new Error(`no spec of fleet ${fleetId}`);
}

/** The id of the live fleet that holds this name. */
export async function findFleetByName(
  store: Store<'fleets'>,
  namespace: string,
  name: string,
): Promise<string | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.fleets, Key: nameKey(namespace, name), ConsistentRead: true }),
  );
  return lockSchema.safeParse(Item).data?.fleetId;
}

/** A page of the namespace's fleet ids, newest first. */
export async function listFleetIds(
  store: Store<'fleets'>,
  namespace: string,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<{ fleetIds: string[]; last?: string }> {
  const page = await store.document.send(
    new QueryCommand({
      TableName: store.tables.fleets,
      IndexName: BY_NAMESPACE_INDEX,
      KeyConditionExpression: after ? 'nsPk = :ns AND nsSk < :after' : 'nsPk = :ns',
      ExpressionAttributeValues: {
        ':ns': namespacePartition(namespace),
        ...(after ? { ':after': after } : {}),
      },
      ScanIndexForward: false,
      Limit: limit,
    }),
  );
  const fleetIds = z
    .array(z.object({ fleetId: z.string() }))
    .parse(page.Items ?? [])
    .map((item) => item.fleetId);
  const last = fleetIds.at(-1);
  return { fleetIds, ...(page.LastEvaluatedKey && last ? { last } : {}) };
}

/** Fields to write; null removes one. */
export interface FleetUpdate {
  status?: FleetStatus;
  round?: number;
  work?: Work | null;
  execution?: number;
  workSinceMs?: number;
  interruptions?: number;
  lastAction?: FleetAction;
  abortedRound?: number;
  gatesToRest?: true | null;
  heldUntilMs?: number | null;
  startedAt?: string;
  runningAt?: string;
  terminatedAt?: string;
  sshKeyParameter?: string;
  sshPublicKey?: string;
}

/**
 * Changes a fleet, if everything that decisions are made by is still as it was read.
 *
 * @returns the fleet as it is now; undefined when it went on meanwhile, and nothing was written
 */
export async function updateFleet(
  store: Store<'fleets'>,
  fleet: FleetItem,
  update: FleetUpdate,
): Promise<FleetItem | undefined> {
  const after = { ...fleet, ...update };
  const activity = isActive(after) ? activityOf(fleet.fleetId) : { activePk: null, activeSk: null };
  const fields = Object.entries({ ...update, ...activity }).filter(([, value]) => value !== undefined);
  const set = fields.filter(([, value]) => value !== null);
  const removed = fields.filter(([, value]) => value === null);
  const sets = set.length > 0 ? `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}` : '';
  const removes = removed.length > 0 ? ` REMOVE ${removed.map(([name]) => `#${name}`).join(', ')}` : '';
  try {
    const { Attributes } = await store.document.send(
      new UpdateCommand({
        TableName: store.tables.fleets,
        Key: fleetKey(fleet.fleetId),
        UpdateExpression: `${sets}${removes}`,
        ConditionExpression: DECISIVE.map((name) =>
          fleet[name] === undefined ? `attribute_not_exists(#${name})` : `#${name} = :was_${name}`,
        ).join(' AND '),
        ExpressionAttributeNames: Object.fromEntries(
          [...fields.map(([name]) => name), ...DECISIVE].map((name) => [`#${name}`, name]),
        ),
        ExpressionAttributeValues: Object.fromEntries([
          ...set.map(([name, value]) => [`:${name}`, value]),
          ...DECISIVE.flatMap((name) => (fleet[name] === undefined ? [] : [[`:was_${name}`, fleet[name]]])),
        ]),
        ReturnValues: 'ALL_NEW',
      }),
    );
    return fleetItemSchema.parse(Attributes);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

/** What decisions about a fleet are made by. */
const DECISIVE = ['status', 'execution', 'work', 'abortedRound'] as const;

interface Activity {
  work?: Work | null | undefined;
  heldUntilMs?: number | null | undefined;
  gatesToRest?: true | null | undefined;
}

const isActive = ({ work, heldUntilMs, gatesToRest }: Activity): boolean =>
  typeof work === 'string' || typeof heldUntilMs === 'number' || gatesToRest === true;

const activityOf = (fleetId: string) => ({ activePk: ACTIVE_PARTITION, activeSk: fleetId });

export function holdEnd(
  nowMs: number,
  hold: { expiresInSeconds?: number | undefined } | undefined,
): number | undefined {
  return hold?.expiresInSeconds === undefined ? undefined : nowMs + hold.expiresInSeconds * 1_000;
}

/** A page of the ids of fleets that have work under way, or a hold that expires. Eventually consistent. */
export async function listActiveFleetIds(
  store: Store<'fleets'>,
  after?: string,
): Promise<{ fleetIds: string[]; last?: string }> {
  const page = await store.document.send(
    new QueryCommand({
      TableName: store.tables.fleets,
      IndexName: BY_ACTIVITY_INDEX,
      KeyConditionExpression: after ? 'activePk = :active AND activeSk > :after' : 'activePk = :active',
      ExpressionAttributeValues: { ':active': ACTIVE_PARTITION, ...(after ? { ':after': after } : {}) },
      Limit: 100,
    }),
  );
  const fleetIds = z
    .array(z.object({ activeSk: z.string() }))
    .parse(page.Items ?? [])
    .map(({ activeSk }) => activeSk);
  const last = fleetIds.at(-1);
  return { fleetIds, ...(page.LastEvaluatedKey && last ? { last } : {}) };
}

/** Ends a fleet of which nothing is left: its name is free, in one transaction. Done already is fine. */
export async function closeFleet(
  store: Store<'fleets'>,
  fleet: FleetItem,
  as: 'Terminated' | 'RolledBack',
): Promise<void> {
  const table = store.tables.fleets;
  const refusals = await transactWrite(store, [
    {
      Update: {
        TableName: table,
        Key: fleetKey(fleet.fleetId),
        UpdateExpression:
          'SET #status = :closed, terminatedAt = :now REMOVE #work, heldUntilMs, gatesToRest, activePk, activeSk',
        ConditionExpression: '#status = :was',
        ExpressionAttributeNames: { '#status': 'status', '#work': 'work' },
        ExpressionAttributeValues: {
          ':closed': as,
          ':was': fleet.status,
          ':now': new Date(store.clock.now()).toISOString(),
        },
      },
    },
    {
      Delete: {
        TableName: table,
        Key: nameKey(fleet.namespace, fleet.name),
        ConditionExpression: 'attribute_not_exists(pk) OR fleetId = :fleetId',
        ExpressionAttributeValues: { ':fleetId': fleet.fleetId },
      },
    },
  ]);
  if (refusals.length === 0) return;
  const current = await readFleetItem(store, fleet.fleetId);
  if (current?.status !== as) {
    throw new Error(`fleet ${fleet.fleetId} is ${current?.status}, not ${fleet.status}`);
  }
}
