import { createHash } from 'node:crypto';
import type { WantedCreate } from '../../model/wanted-create.ts';
import type { OpenConnection, WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { newRecord } from './claim.ts';
import { likenessOverFleets, mayShareCalls } from './create-batches.ts';
import { instanceSpec } from './instance-spec.ts';
import { sizesOfCalls } from './machines-per-call.ts';

/** A launch that needs a permit, with its description for the governor. */
export interface Described {
  attempt: Attempt;
  wanted: WantedCreate;
}

/**
 * Launches of one request that are more than this part of a call for several fleets get calls of their own. They would
 * otherwise be divided among the calls of others.
 */
const MOST_TOGETHER = 0.25;
/** Number of characters of a key. Two keys that are equal by chance cost one call, since requests are compared later. */
const KEY_LENGTH = 10;

/**
 * Adds to the descriptions what lets launches share create calls with launches of other fleets: the same text for
 * launches whose create requests are alike in everything that the call states, apart from the zone.
 */
export async function withSharedCalls(
  context: WorkerContext,
  opened: Pick<OpenConnection, 'client' | 'limits'>,
  location: string,
  described: readonly Described[],
): Promise<WantedCreate[]> {
  const { mostShared } = sizesOfCalls(opened, location);
  const groups = Map.groupBy(described, ({ wanted: { call, instanceId } }) => call?.key ?? instanceId);
  const shared = await Promise.all(
    [...groups.values()].map(async (group): Promise<WantedCreate[]> => {
      const key = group.length > mostShared * MOST_TOGETHER ? undefined : await keyOf(context, group);
      return group.map(({ attempt, wanted }) => {
        const { call, zone, zoneChoice } = wanted;
        // A launch that was refused together with others asks for a smaller call.
        if (!call || key === undefined || attempt.record?.callLimit !== undefined) return wanted;
        const inZone = zoneChoice || zone === undefined ? key : `${key} ${zone}`;
        return { ...wanted, call: { ...call, shared: { key: inZone, most: mostShared } } };
      });
    }),
  );
  const byId = new Map(shared.flat().map((wanted) => [wanted.instanceId, wanted]));
  return described.map(({ wanted }) => byId.get(wanted.instanceId) ?? wanted);
}

/** Returns the key of the launches of one node group. Undefined if their create requests cannot be made now. */
async function keyOf(context: WorkerContext, [first]: readonly Described[]): Promise<string | undefined> {
  if (!first) return undefined;
  const { attempt } = first;
  const record = attempt.again && attempt.record ? attempt.record : await newRecord(context, attempt);
  const answer = await instanceSpec(context, { ...record, zone: undefined });
  if ('failure' in answer || !mayShareCalls(answer.spec)) return undefined;
  return createHash('sha256')
    .update(likenessOverFleets(answer.spec))
    .digest('base64url')
    .slice(0, KEY_LENGTH);
}
