import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { KeyCaps } from '../../model/caller.ts';
import type { Connection } from '../../model/connection.ts';
import type { FleetSpec } from '../../model/fleet.ts';
import type { FleetRequest } from '../../model/fleet-request.ts';
import { connectionWord } from '../../model/identifiers.ts';
import { connectionIsReady } from './connections.ts';
import { notEnding } from './ending.ts';
import { activityOf, type FleetItem, holdEnd, isActive } from './fleets.ts';
import { type CapReached, chargeOf, chargeRunning, runningCaps } from './key-caps.ts';
import { fleetKey, idempotencyKey, nameKey, namespacePartition, specKey } from './keys.ts';
import type { Store } from './store.ts';
import { transactWrite } from './transact.ts';

/** Index of the check in the transaction that the deployment is not being removed. */
const ENDING_AT = 3;
/** Index of the first connection check in the transaction. */
const CONNECTIONS_FROM = 4;
const IDEMPOTENCY_SECONDS = 24 * 3_600;

export interface NewFleet {
  spec: FleetSpec;
  /** The part of the request that is not in the spec; each of its fields is copied to the fleet's item. */
  request: Omit<FleetRequest, 'name' | 'priority' | 'nodeGroups'>;
  idempotency?: { key: string; requestHash: string } | undefined;
  /** Connections that the spec was made for. Each must be Ready and must still have the same id. */
  connections: readonly Pick<Connection, 'driver' | 'namespace' | 'name' | 'id'>[];
  /** Caps of API keys that limit what runs, and the most that the fleet may cost. Absent: no cap limits that. */
  capped?: { caps: readonly KeyCaps[]; microUsdPerHour: number } | undefined;
}

/** Outcome of a request if its idempotency key was used before. */
export type Replay = { outcome: 'replayed'; fleetId: string } | { outcome: 'key-reused' };

/** Outcome of a request if its connections have not changed since the spec was made. */
export type Answered = Replay | { outcome: 'created' | 'name-taken'; fleetId: string };

export type CreateFleetOutcome =
  | Answered
  /** One of the connections is not Ready or not shared any more, or its name belongs to another connection. */
  | { outcome: 'connections-changed' }
  /** The deployment is being removed. */
  | { outcome: 'deployment-ending' }
  /** The fleet would exceed a cap of an API key. */
  | { outcome: 'cap-reached'; reached: CapReached };

const lockSchema = z.object({ fleetId: z.string(), requestHash: z.string().optional() });

/**
 * Writes a fleet with its spec, its name lock and its idempotency record in one transaction, if all of its connections
 * are Ready. If the idempotency key was used before, nothing is written. The outcome is then the fleet of the first
 * request if both requests have the same hash, and `key-reused` otherwise. The transaction does not have to check the
 * namespace: one with connections is not deleted, and its deletion first ends the sharing with it.
 */
export async function createFleet(
  store: Store<'fleets' | 'access'>,
  { spec, request, idempotency, connections, capped }: NewFleet,
): Promise<CreateFleetOutcome> {
  const { fleetId, namespace, name } = spec;
  const table = store.tables.fleets;
  const nowMs = store.clock.now();
  const earlier = idempotency ? await readReplay(store, namespace, idempotency) : undefined;
  if (earlier) return earlier;
  const running = capped ? runningCaps(capped.caps) : [];
  const capCharge = capped && chargeOf(capped.caps, capped.microUsdPerHour);
  const meta = { ...newItem(spec, request, nowMs), capCharge };
  const absent = 'attribute_not_exists(pk)';
  const refusals = await transactWrite(store, [
    {
      Put: {
        TableName: table,
        Item: { ...nameKey(namespace, name), fleetId, connections: meta.connections },
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
    { Put: { TableName: table, Item: { ...specKey(fleetId), ...spec } } },
    notEnding(store),
    ...connections.map((one) => connectionIsReady(store, one, namespace)),
    ...(capped ? chargeRunning(store, capped.caps, capped.microUsdPerHour) : []),
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
              // An expired record counts as absent, because DynamoDB deletes expired items late.
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
  if (refusals.some(({ at }) => at === ENDING_AT)) return { outcome: 'deployment-ending' };
  const lock = lockSchema.safeParse(refusals.find(({ at }) => at === 0)?.item);
  if (lock.success) return { outcome: 'name-taken', fleetId: lock.data.fleetId };
  const [firstCheck, lastCheck] = [CONNECTIONS_FROM, CONNECTIONS_FROM + connections.length - 1];
  if (refusals.some(({ at }) => at >= firstCheck && at <= lastCheck))
    return { outcome: 'connections-changed' };
  const full = running.find((_, at) => refusals.some((one) => one.at === lastCheck + 1 + at));
  if (full) {
    const { keyId, limit } = full;
    return { outcome: 'cap-reached', reached: { keyId, cap: 'maxTotalUsdPerHour', limit } };
  }
  throw new Error(`fleet ${fleetId} could not be written: its id exists already`);
}

/** Returns the item of a new fleet. Pure. */
function newItem(spec: FleetSpec, request: NewFleet['request'], nowMs: number): FleetItem {
  const { description, labels = {}, failurePolicy, minimumInstances, hold, network, ...rest } = request;
  // A type error here means that a new field of the request is not copied yet.
  rest satisfies Record<string, never>;
  return {
    fleetId: spec.fleetId,
    namespace: spec.namespace,
    name: spec.name,
    description,
    labels,
    status: hold ? 'Held' : 'Preparing',
    failurePolicy,
    minimumInstances,
    network,
    requested: spec.nodeGroups.reduce((sum, group) => sum + group.size, 0),
    connections: [
      ...new Set(
        spec.nodeGroups.map(({ connection, sharedBy = spec.namespace }) =>
          connectionWord(spec.namespace, { namespace: sharedBy, name: connection }),
        ),
      ),
    ],
    round: 1,
    ...(hold ? {} : { work: 'provision' }),
    execution: hold ? 0 : 1,
    workSinceMs: nowMs,
    interruptions: 0,
    ...(hold ? { lastAction: 'hold' } : {}),
    heldUntilMs: hold && holdEnd(nowMs, hold),
    createdAt: new Date(nowMs).toISOString(),
  };
}

/** Reads what an idempotency key was used for; undefined if the key was not used in the last 24 hours. */
export async function readReplay(
  store: Store<'fleets'>,
  namespace: string,
  { key, requestHash }: { key: string; requestHash: string },
): Promise<Replay | undefined> {
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

/** Finds the id of the fleet that has this name and has not ended. */
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
