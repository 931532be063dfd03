import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import type { OpenConnection, WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { keysWith } from '../ownership/attempts.ts';
import { newRecord } from './claim.ts';
import { batchesOf } from './create-batches.ts';
import { instanceSpec } from './instance-spec.ts';
import { sizesOfCalls } from './machines-per-call.ts';

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
  const sizes = sizesOfCalls(opened, location);
  if (sizes.most < 2) return wanted.map((one): One[] => [one]);
  const byCall = Map.groupBy(wanted, ({ record: { instanceId } }) => permitted.get(instanceId) ?? instanceId);
  return [...byCall.values()].flatMap((alike) => batchesOf(alike, sizes));
}

/**
 * Makes sure that the key of each call is stored in the record of each of its machines. If other workers won some of the
 * claims, or the launch gate stopped some, the calls are divided differently and have other keys, which are stored now.
 * If a record has changed in the meantime, the call is split into single calls. The key of a single call need not be
 * stored, because it is derived from the launch token.
 */
export async function withStoredKeys<One extends Wanted>(
  context: Pick<WorkerContext, 'store'>,
  client: CloudClient,
  calls: readonly One[][],
): Promise<One[][]> {
  const stored = await Promise.all(
    calls.map(async (call): Promise<One[][]> => {
      const key = keyOf(client, call);
      if (call.length === 1 || key === undefined) return [call];
      const kept = await Promise.all(call.map((one) => withStoredKey(context, one, key)));
      const all = kept.flatMap((one) => one ?? []);
      return all.length === call.length ? [all] : call.map((one): One[] => [one]);
    }),
  );
  return stored.flat();
}

/** Stores the key of the upcoming call in a record. @returns undefined if the record has changed */
async function withStoredKey<One extends Wanted>(
  { store }: Pick<WorkerContext, 'store'>,
  one: One,
  key: string,
): Promise<One | undefined> {
  const { record } = one;
  if (record.idempotencyKeys?.includes(key)) return one;
  const idempotencyKeys = keysWith(record.idempotencyKeys, key) ?? [];
  const isStored = await updateInstance(store, record, { idempotencyKeys });
  return isStored ? { ...one, record: { ...record, idempotencyKeys } } : undefined;
}

function keyOf(client: CloudClient, call: readonly Wanted[]): string | undefined {
  const [first, ...others] = call.map(({ spec }) => spec.launchToken);
  return first === undefined || !has(client, 'idempotency-keys')
    ? undefined
    : client.idempotencyKeyOf([first, ...others]);
}
