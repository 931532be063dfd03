import { BatchGetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { type InstanceRef, instanceId } from '../../model/identifiers.ts';
import { marketSchema } from '../../model/market.ts';
import { quotaSubjectSchema } from '../../model/quota-subject.ts';
import { instanceStatusSchema } from '../../model/status.ts';
import { BY_SITE_INDEX, instanceKey, instancePartition, siteName } from './keys.ts';
import type { Store } from './store.ts';
import { stuckItemSchema } from './stuck.ts';

/**
 * State of the current attempt's create call.
 *
 * - `claimed`: a worker has the claim until `claimUntilMs`. If that worker dies, the state stays `claimed`, and the
 *   create call may have gone out.
 * - `refused`: the cloud made no machine; the same call may be made again.
 * - `unknown`: the call may have reached the cloud. Only a look-up after `unknownSinceMs` shows whether the cloud made
 *   the machine.
 * - `accepted`: the cloud has the machine, and `backendId` is its id at the cloud.
 */
export const launchStateSchema = z.enum(['claimed', 'refused', 'unknown', 'accepted']);

const unknownAnswerSchema = z.object({
  /** Text of the first of the equal answers. */
  words: z.string(),
  /** Number of equal answers in a row. Answers are equal if their texts differ only in numbers and ids. */
  times: z.number(),
  firstAtMs: z.number(),
  /** True if the cloud has used the launch token up: the same call never makes a machine. */
  tokenIsUsed: z.boolean().optional(),
});

/**
 * Record of an attempt that has ended. If a machine of the attempt shows up later, this record proves that the attempt
 * made it.
 */
export const attemptSchema = z.object({
  launchToken: z.string(),
  location: z.string(),
  /** Time at which the attempt was claimed, which is before any call was sent for it. */
  firstSentAtMs: z.number(),
  /**
   * Time at which the outcome of the attempt became known. No create call was sent for the attempt after that. Absent:
   * the outcome never became known.
   */
  closedAtMs: z.number().optional(),
  /** Idempotency keys of the attempt's calls, if the cloud stores such keys. */
  idempotencyKeys: z.array(z.string()).optional(),
  /** The machine that the attempt made. */
  backendId: z.string().optional(),
  /** True if the machine ceased to exist although its removal was not requested. */
  vanished: z.boolean().optional(),
  /** The market of the attempt. Absent: on-demand. */
  market: marketSchema.optional(),
  /** As in the record of the instance, if the attempt was on demand in a node group that limits that. */
  onDemandSeats: z.number().optional(),
});
export type AttemptItem = z.infer<typeof attemptSchema>;

const refusedQuotaSchema = z.object({
  /** Absent: the cloud's words do not tell what the quota is about. */
  of: quotaSubjectSchema.optional(),
  limit: z.number().exactOptional(),
  used: z.number().exactOptional(),
  requested: z.number().exactOptional(),
});

const triedZoneSchema = z.object({
  zone: z.string(),
  /** Number of machines that the refused call asked for. After a call for several machines, one may still have room. */
  machines: z.number(),
});
export type TriedZone = z.infer<typeof triedZoneSchema>;

export const instanceItemSchema = z.object({
  instanceId: z.string(),
  fleetId: z.string(),
  index: z.number(),
  namespace: z.string(),
  nodeGroup: z.string(),
  connectionKey: z.string(),
  location: z.string(),
  status: instanceStatusSchema,
  /** Round of launching in which the instance was last claimed. */
  round: z.number(),
  attempt: z.number(),
  /** Locations where an attempt of this round ended without a machine, or that did not take the instance. */
  tried: z.array(z.string()).default([]),
  /** Zones of this location where an attempt of this round ended without a machine, for a reason of the zone. */
  triedZones: z.array(triedZoneSchema).default([]),
  /**
   * Instance types of the node group that an attempt of this round had at this location in this market, without the
   * present one.
   */
  triedTypes: z.array(z.string()).optional(),
  /**
   * Maximum number of machines in the next create call for the instance. Absent: no limit. The cloud refused a larger
   * call, and may accept a smaller one.
   */
  callLimit: z.number().optional(),
  launchToken: z.string(),
  launchState: launchStateSchema,
  /**
   * End of the latest claim. Each claim of the instance ends later than all earlier claims, so this time identifies
   * the claim.
   */
  claimUntilMs: z.number(),
  /**
   * Id of the launch message whose first delivery led to the latest claim. Empty or absent: no launch message led to
   * the claim.
   */
  claimedBy: z.string().optional(),
  /** Number of calls of the current attempt that the cloud refused temporarily (Unavailable). */
  refusals: z.number().default(0),
  /**
   * Time at which the current attempt was claimed, which is before any call was sent for it. Absent: the last attempt
   * has ended, and no worker has claimed the next attempt yet.
   */
  firstSentAtMs: z.number().optional(),
  /** Time at which the current attempt ended without a machine; no call was sent for it after that. */
  closedAtMs: z.number().optional(),
  /** Number of attempts of this round that ended because the cloud had used up their launch token. */
  usedTokens: z.number().optional(),
  /** Number of attempts of this round at this location whose machines exceeded a quota after they were accepted. */
  quotaTries: z.number().optional(),
  /** The quota that the machine of the current attempt exceeded after the cloud had accepted it. */
  exceededQuota: refusedQuotaSchema.optional(),
  /** Idempotency keys of the current attempt's calls, the latest last, if the cloud stores such keys. */
  idempotencyKeys: z.array(z.string()).optional(),
  /** Attempts before the current one, the latest last. If there are many, the oldest are dropped. */
  earlierAttempts: z.array(attemptSchema).optional(),
  unknownSinceMs: z.number().optional(),
  /**
   * The cloud's answer to the create call, if the answer left the outcome unknown. Equal answers in a row are counted;
   * see `countAnswer`.
   */
  unknownAnswer: unknownAnswerSchema.optional(),
  /**
   * Time at which the cloud's answer to the create call named the machine. Within the driver's consistency window after
   * that time, the cloud's lists may not show the machine yet.
   */
  acceptedAtMs: z.number().optional(),
  /**
   * For an instance that waits for its next attempt at the same location: the time of its last create call. The permit
   * of that call is used up.
   */
  calledAtMs: z.number().optional(),
  deadlineAtMs: z.number(),
  backendId: z.string().optional(),
  /** The zone that the control plane chose, the user named, or the cloud reports. */
  zone: z.string().optional(),
  publicIp: z.string().optional(),
  privateIp: z.string().optional(),
  ipv6: z.string().optional(),
  /** The type of the machine or of the present attempt. Absent: the first type of the node group. */
  instanceType: z.string().optional(),
  /** The market of the machine or of the present attempt. Absent: the first market of the node group. */
  market: marketSchema.optional(),
  /**
   * Present if the instance has one of its node group's on-demand seats, until the record is closed: the number of seats
   * that the group has. See `on-demand-seats.ts`.
   */
  onDemandSeats: z.number().optional(),
  launchedAt: z.string(),
  runningAt: z.string().optional(),
  /** Time at which the record last became Terminating. */
  terminatingAtMs: z.number().optional(),
  /** Present while the record is Terminating and the cloud refuses, or does not carry out, the removal. */
  stuck: stuckItemSchema.optional(),
  terminatedAt: z.string().optional(),
  microUsdPerHour: z.number(),
  /** True if the price of the type in its market is not known. Absent in records of an earlier release, too. */
  isUnpriced: z.literal(true).optional(),
  /**
   * Seconds from the fleet's creation until the instance was first recorded as Running. The instance's cost is counted
   * from then on.
   */
  runningSinceSeconds: z.number().optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  /** For an instance that ran and is Undefined: the cloud's name of its status, and the cloud's reason. */
  trouble: z.object({ cloudStatus: z.string(), message: z.string().optional() }).optional(),
  /**
   * For an instance whose machine vanished: the time at which the removal of the instance was requested. If the machine
   * shows up again after that, the record is not reopened.
   */
  endAskedAtMs: z.number().optional(),
  /**
   * Status to set when the cloud shows that the machine no longer exists. Planned: another attempt
   * follows.
   */
  closeAs: z.enum(['Terminated', 'Failed', 'Planned']).optional(),
});
export type InstanceItem = z.infer<typeof instanceItemSchema>;

/** Entry of the index `bySite`, for an instance that may exist at the cloud. */
const siteEntrySchema = z.object({
  siteSk: z.string(),
  status: instanceStatusSchema,
  backendId: z.string().optional(),
  launchToken: z.string(),
});
export type SiteEntry = z.infer<typeof siteEntrySchema>;
const siteEntriesSchema = z.array(siteEntrySchema);

/**
 * Reads records by instance id, by default with strongly consistent reads. Instances that were never claimed have no
 * record and are missing from the result.
 */
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

/**
 * Reads the records of one fleet's instances at positions `first` to `last`, in order, with strongly consistent reads.
 * Positions that were never claimed have no record and are missing from the result.
 */
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

/**
 * Reads the entries of the index `bySite` for one site: all instances, of any fleet, that may exist there. The read is
 * eventually consistent, as all reads of indexes are.
 */
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
