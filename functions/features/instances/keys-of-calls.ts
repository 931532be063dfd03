import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { OpenConnection, WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { newRecord } from './claim.ts';
import { batchesOf } from './create-batches.ts';
import { instanceSpec } from './instance-spec.ts';
import { machinesPerCall } from './machines-per-call.ts';

/**
 * Derives the idempotency keys of the create calls that these attempts will share. Makes no create call. The
 * claims store the keys, because only the key of a call proves later which machines the call created.
 *
 * @returns keys by instance id; empty if the cloud has no idempotency keys
 */
export async function keysOfCalls(
  context: WorkerContext,
  attempts: readonly Attempt[],
  permitted: PermittedCalls,
): Promise<Map<string, string>> {
  const keys = new Map<string, string>();
  const [first] = attempts;
  if (!first) return keys;
  const { connectionKey, location } = first.message;
  const opened = await context.open(connectionKey);
  const { client } = opened;
  if (!has(client, 'idempotency-keys')) return keys;
  const wanted = await Promise.all(
    attempts.map(async (attempt) => {
      const record = attempt.again && attempt.record ? attempt.record : await newRecord(context, attempt);
      const spec = await instanceSpec(context, record);
      return 'failure' in spec ? [] : [{ record, ...spec }];
    }),
  );
  for (const batch of callsOf(opened, location, wanted.flat(), permitted)) {
    const key = keyOf(client, batch);
    for (const { record } of batch) if (key !== undefined) keys.set(record.instanceId, key);
  }
  return keys;
}

type Wanted = Parameters<typeof batchesOf>[0][number] & { record: InstanceItem };

/** The create calls that the governor has permitted: instance id → id of the call. */
export type PermittedCalls = ReadonlyMap<string, string>;

/** Groups requests into create calls: the requests of one permitted call share a call, if they are similar. */
export function callsOf<One extends Wanted>(
  opened: Pick<OpenConnection, 'client' | 'limits'>,
  location: string,
  wanted: readonly One[],
  permitted: PermittedCalls,
): One[][] {
  const most = machinesPerCall(opened, location);
  if (most < 2) return wanted.map((one): One[] => [one]);
  const byCall = Map.groupBy(wanted, ({ record: { instanceId } }) => permitted.get(instanceId) ?? instanceId);
  return [...byCall.values()].flatMap((alike) => batchesOf(alike, most));
}

/**
 * Splits a call for several machines into single calls if the key of the call is not stored in every
 * machine's record. If other workers won some of the claims, the calls are divided differently and have other
 * keys. The key of a single call need not be stored, because it is derived from the launch token.
 */
export function withKeptKeys<One extends Wanted>(client: CloudClient, calls: readonly One[][]): One[][] {
  return calls.flatMap((call) => {
    const key = keyOf(client, call);
    const isKept = call.every(({ record }) => key === undefined || record.idempotencyKeys?.includes(key));
    return call.length === 1 || isKept ? [call] : call.map((one): One[] => [one]);
  });
}

function keyOf(client: CloudClient, call: readonly Wanted[]): string | undefined {
  const [first, ...others] = call.map(({ spec }) => spec.launchToken);
  return first === undefined || !has(client, 'idempotency-keys')
    ? undefined
    : client.idempotencyKeyOf([first, ...others]);
}
