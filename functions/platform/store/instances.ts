import { BatchGetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { type InstanceRef, instanceId } from '../../model/identifiers.ts';
import { instanceStatusSchema } from '../../model/status.ts';
import { BY_SITE_INDEX, instanceKey, instancePartition, siteName } from './keys.ts';
import type { Store } from './store.ts';

/**
 * How far the create call of the current attempt came:
 * `claimed`: a worker has the claim until `claimUntil`; dead workers leave it so, and then the call may have gone out;
 * `refused`: the cloud took nothing, the same call may be made again;
 * `unknown`: the call may have reached the cloud; only a look-up after `unknownSince` tells;
 * `accepted`: the cloud has it, `backendId` is set.
 */
export const launchStateSchema = z.enum(['claimed', 'refused', 'unknown', 'accepted']);

const unknownAnswerSchema = z.object({
  /** As the latest answer has them. */
  words: z.string(),
  /** How often in a row they were the same, this time included. */
  times: z.number(),
  firstAtMs: z.number(),
});

/** What is kept of an attempt, so that a machine that shows up later can be proven to be of its making. */
export const attemptSchema = z.object({
  launchToken: z.string(),
  location: z.string(),
  /** When it was claimed, and so before any call was sent for it. */
  firstSentAtMs: z.number(),
  /** When it was known what came of it: no call was sent for it after that. Absent: it was not known when it ended. */
  closedAtMs: z.number().optional(),
  /** Idempotency keys of its calls, where the cloud keeps them. */
  idempotencyKeys: z.array(z.string()).optional(),
  /** The machine that it made. */
  backendId: z.string().optional(),
  /** Whether that machine was gone without having been asked to go. */
  vanished: z.boolean().optional(),
});
export type AttemptItem = z.infer<typeof attemptSchema>;

export const instanceItemSchema = z.object({
  instanceId: z.string(),
  fleetId: z.string(),
  index: z.number(),
  namespace: z.string(),
  nodeGroup: z.string(),
  connectionKey: z.string(),
  location: z.string(),
  status: instanceStatusSchema,
  /** The round of launching that it was last claimed in. */
  round: z.number(),
  attempt: z.number(),
  /** Locations where an attempt of this round ended without a machine. */
  tried: z.array(z.string()).default([]),
  launchToken: z.string(),
  launchState: launchStateSchema,
  /** Of the latest claim. Never set back: it tells claims apart, for whoever decided by an earlier one. */
  claimUntilMs: z.number(),
  /** The message in whose first delivery that claim was made; empty: it was made otherwise. */
  claimedBy: z.string().optional(),
  /** Calls of the current attempt that the cloud refused for now (Unavailable). */
  refusals: z.number().default(0),
  /**
   * Of the current attempt: when it was claimed, and so before any call was sent for it. Absent: the last attempt is
   * over, and the next one not claimed yet.
   */
  firstSentAtMs: z.number().optional(),
  /** Of the current attempt, when it ended without a machine: nothing was sent for it after that. */
  closedAtMs: z.number().optional(),
  /** Of the current attempt's calls, the latest last, where the cloud keeps them. */
  idempotencyKeys: z.array(z.string()).optional(),
  /** The attempts before the current one, the latest last; the oldest are forgotten. */
  earlierAttempts: z.array(attemptSchema).optional(),
  unknownSinceMs: z.number().optional(),
  /** What the cloud answered, in words that no table knows, without having made anything by the earlier ones. */
  unknownAnswer: unknownAnswerSchema.optional(),
  /** When the cloud's answer named the machine: from then on, a list may be behind for the driver's time. */
  acceptedAtMs: z.number().optional(),
  deadlineAtMs: z.number(),
  taskToken: z.string().optional(),
  backendId: z.string().optional(),
  zone: z.string().optional(),
  publicIp: z.string().optional(),
  privateIp: z.string().optional(),
  launchedAt: z.string(),
  runningAt: z.string().optional(),
  terminatingAtMs: z.number().optional(),
  terminatedAt: z.string().optional(),
  microUsdPerHour: z.number(),
  /** Seconds since the fleet was created when it began to run; the base of the cost counters. */
  runningSinceSeconds: z.number().optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  /** Of one that ran and is Undefined: the cloud's word for its status, and why, in the cloud's words. */
  trouble: z.object({ cloudStatus: z.string(), message: z.string().optional() }).optional(),
  /** Of one that vanished: since when its machine is to go, should it show up again. */
  endAskedAtMs: z.number().optional(),
  /** What the record becomes when the cloud says that the instance is gone; Planned: another attempt elsewhere. */
  closeAs: z.enum(['Terminated', 'Failed', 'Planned']).optional(),
});
export type InstanceItem = z.infer<typeof instanceItemSchema>;

/** What the index `bySite` tells of an instance that may exist at the cloud. */
const siteEntrySchema = z.object({
  siteSk: z.string(),
  status: instanceStatusSchema,
  backendId: z.string().optional(),
  launchToken: z.string(),
});
export type SiteEntry = z.infer<typeof siteEntrySchema>;
const siteEntriesSchema = z.array(siteEntrySchema);

/** Records by instance id, read strongly unless it is said otherwise; those that were never claimed are missing. */
export async function readInstances(
  store: Store<'fleets'>,
  refs: readonly InstanceRef[],
  { isConsistent = true }: { isConsistent?: boolean } = {},
): Promise<Map<string, InstanceItem>> {
  const found = new Map<string, InstanceItem>();
  const unique = [...new Map(refs.map((ref) => [instanceId(ref), ref])).values()];
  for (let at = 0; at < unique.length; at += 100) {
    let keys: Record<string, unknown>[] = unique.slice(at, at + 100).map((ref) => ({ ...instanceKey(ref) }));
    while (keys.length > 0) {
      const { Responses, UnprocessedKeys } = await store.document.send(
        new BatchGetCommand({
          RequestItems: { [store.tables.fleets]: { Keys: keys, ConsistentRead: isConsistent } },
        }),
      );
      for (const item of Responses?.[store.tables.fleets] ?? []) {
        const record = instanceItemSchema.parse(item);
        found.set(record.instanceId, record);
      }
      keys = UnprocessedKeys?.[store.tables.fleets]?.Keys ?? [];
    }
  }
  return found;
}

/** Claimed instances of one fleet at positions `first` to `last`, in order, read strongly. */
export async function readInstanceRange(
  store: Store<'fleets'>,
  fleetId: string,
  first: number,
  last: number,
): Promise<InstanceItem[]> {
  const partitions = new Set<string>();
  for (let index = first; index <= last; index += 1) partitions.add(instancePartition(fleetId, index));
  const pages = await Promise.all(
    [...partitions].map((pk) =>
      queryAll(store, {
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :first AND :last',
        ExpressionAttributeValues: {
          ':pk': pk,
          ':first': String(first).padStart(5, '0'),
          ':last': String(last).padStart(5, '0'),
        },
        ConsistentRead: true,
      }),
    ),
  );
  return pages.flat().map((item) => instanceItemSchema.parse(item));
}

/** Every instance that may exist at a site, whatever its fleet. Eventually consistent, as all indexes are. */
export async function readSiteEntries(
  store: Store<'fleets'>,
  connectionKey: string,
  location: string,
): Promise<SiteEntry[]> {
  const items = await queryAll(store, {
    IndexName: BY_SITE_INDEX,
    KeyConditionExpression: 'sitePk = :site',
    ExpressionAttributeValues: { ':site': siteName(connectionKey, location) },
  });
  return siteEntriesSchema.parse(items);
}

type QueryInput = Omit<ConstructorParameters<typeof QueryCommand>[0], 'TableName' | 'ExclusiveStartKey'>;

async function queryAll(store: Store<'fleets'>, input: QueryInput): Promise<unknown[]> {
  const items: unknown[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.document.send(
      new QueryCommand({
        ...input,
        TableName: store.tables.fleets,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start);
  return items;
}
