import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { actorSchema } from '../../model/actor.ts';
import { type FleetSpec, fleetSpecSchema } from '../../model/fleet.ts';
import { type FleetAction, fleetActionSchema, type Hold } from '../../model/fleet-action.ts';
import { failurePolicySchema } from '../../model/fleet-request.ts';
import { networkChoiceSchema } from '../../model/network-choice.ts';
import { type FleetStatus, fleetStatusSchema } from '../../model/status.ts';
import { capChargeSchema, giveBackRunning } from './key-caps.ts';
import { ACTIVE_PARTITION, fleetKey, nameKey, specKey } from './keys.ts';
import type { Store } from './store.ts';
import { transactWrite } from './transact.ts';

/**
 * Work that a workflow has to do on a fleet. `provision` launches the missing instances, then applies the failure
 * policy. `refine` removes failed instances, and the network resources that only failed instances needed.
 * `remove` removes everything.
 */
export const workSchema = z.enum(['provision', 'refine', 'remove']);
export type Work = z.infer<typeof workSchema>;

/** A removal that the product decides by itself, with the rule that decides it. `atMs`: when it was decided. */
const ownActSchema = z.object({
  type: z.enum(['fleet.rollback', 'fleet.refine', 'fleet.withdraw']),
  actor: actorSchema,
  atMs: z.number(),
});
export type OwnAct = z.infer<typeof ownActSchema>;

/** A fleet's own item, with the state of the whole fleet. The counters are in the items of its placements. */
const fleetItemSchema = z.object({
  fleetId: z.string(),
  namespace: z.string(),
  name: z.string(),
  description: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
  status: fleetStatusSchema,
  failurePolicy: failurePolicySchema,
  minimumInstances: z.number().optional(),
  network: networkChoiceSchema.optional(),
  requested: z.number(),
  /** The connections that the fleet uses, by their words (`connectionWord`). */
  connections: z.array(z.string()),
  /**
   * Round of launching. The first is 1. A retry or a release begins the next round, in which launching is turned on
   * again.
   */
  round: z.number(),
  /** Work that is not done yet. */
  work: workSchema.optional(),
  /** Number of the latest workflow execution for the work; see `executionName`. */
  execution: z.number(),
  /** Time at which `work` was written. The execution for the work should have started immediately after that. */
  workSinceMs: z.number(),
  /** Number of executions in a row that ended before the work was done. */
  interruptions: z.number(),
  /** The latest action that a user requested. A second request of this action changes nothing. */
  lastAction: fleetActionSchema.optional(),
  /** Round that the user has aborted. Nothing more is launched in that round. */
  abortedRound: z.number().optional(),
  /** Present if launching is to be paused, but some placements may not be paused yet. */
  pausePending: z.literal(true).optional(),
  /** Time at which a held fleet is withdrawn. */
  heldUntilMs: z.number().optional(),
  /**
   * Number of missing instances that the latest refine accepted. While no more instances than that are missing, the
   * fleet is Running. A retry removes it.
   */
  acceptedMissing: z.number().optional(),
  /** Time at which a user last asked for a removal. Removals that failed before are tried again immediately. */
  removalAskedAtMs: z.number().optional(),
  /** The latest act on the fleet that no request has asked for. Its removal has the entry of the audit log written. */
  ownAct: ownActSchema.optional(),
  /** What the fleet counts for caps of API keys. Absent: the key that made it has no such cap, or the fleet is closed. */
  capCharge: capChargeSchema.optional(),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  runningAt: z.string().optional(),
  terminatedAt: z.string().optional(),
  sshKeyParameter: z.string().optional(),
  sshPublicKey: z.string().optional(),
});
export type FleetItem = z.infer<typeof fleetItemSchema>;

/** Reads the fleet's own item with a strongly consistent read. */
export async function readFleetItem(store: Store<'fleets'>, fleetId: string): Promise<FleetItem | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.fleets, Key: fleetKey(fleetId), ConsistentRead: true }),
  );
  return Item ? fleetItemSchema.parse(Item) : undefined;
}

export function parseFleetItem(item: unknown): FleetItem {
  return fleetItemSchema.parse(item);
}

/**
 * Reads a fleet's spec. @throws Error if there is no spec. That is an internal error, because the spec is written
 * together with the fleet
 */
export async function readSpec(store: Store<'fleets'>, fleetId: string): Promise<FleetSpec> {
  // A spec never changes, so the cheap, eventually consistent read is tried first. It may miss a spec that was written
  // a moment ago.
  for (const ConsistentRead of [false, true]) {
    const { Item } = await store.document.send(
      new GetCommand({ TableName: store.tables.fleets, Key: specKey(fleetId), ConsistentRead }),
    );
    if (Item) return fleetSpecSchema.parse(Item);
  }
  throw new Error(`fleet ${fleetId} has no spec`);
}

/** Fields to write. The value null removes a field. */
export interface FleetUpdate {
  status?: FleetStatus;
  round?: number;
  work?: Work | null;
  execution?: number;
  workSinceMs?: number;
  interruptions?: number;
  lastAction?: FleetAction;
  abortedRound?: number;
  pausePending?: true | null;
  heldUntilMs?: number | null;
  removalAskedAtMs?: number;
  acceptedMissing?: number | null;
  ownAct?: OwnAct;
  startedAt?: string;
  runningAt?: string;
  terminatedAt?: string;
  sshKeyParameter?: string;
  sshPublicKey?: string;
}

/**
 * Updates a fleet if the fields that decisions are based on (`DECISIVE`) have not changed since they were read.
 *
 * @returns the updated fleet; undefined if one of these fields has changed. Nothing is written in that case
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

/** Fields that decisions about a fleet are based on. */
const DECISIVE = ['status', 'execution', 'work', 'abortedRound', 'heldUntilMs'] as const;

interface Activity {
  work?: Work | null | undefined;
  heldUntilMs?: number | null | undefined;
  pausePending?: true | null | undefined;
}

export const isActive = ({ work, heldUntilMs, pausePending }: Activity): boolean =>
  typeof work === 'string' || typeof heldUntilMs === 'number' || pausePending === true;

export const activityOf = (fleetId: string) => ({ activePk: ACTIVE_PARTITION, activeSk: fleetId });

/** Returns the time at which a hold expires, in ms since 1970; undefined if it does not expire. */
export function holdEnd(nowMs: number, { expiresInSeconds, ...rest }: Hold): number | undefined {
  // A type error here means that a new field of `Hold` is not stored yet.
  rest satisfies Record<string, never>;
  return expiresInSeconds === undefined ? undefined : nowMs + expiresInSeconds * 1_000;
}

/**
 * Closes a fleet and frees its name, in one transaction. Gives back what it counts for caps of API keys. The caller must have checked that no machine or network
 * resource of the fleet is left. A second call with the same status changes nothing. @throws Error if the fleet's
 * status has changed since it was read
 */
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
          'SET #status = :closed, terminatedAt = :now REMOVE #work, heldUntilMs, pausePending, activePk, activeSk, capCharge',
        ConditionExpression: `#status = :was${fleet.capCharge ? ' AND attribute_exists(capCharge)' : ''}`,
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
    ...giveBackRunning(store, fleet.capCharge),
  ]);
  if (refusals.length === 0) return;
  const current = await readFleetItem(store, fleet.fleetId);
  if (current?.status !== as) {
    throw new Error(
      `fleet ${fleet.fleetId} could not be closed: its status is ${current?.status}, not ${fleet.status}`,
    );
  }
}
