import { instanceId } from '../../model/identifiers.ts';
import { readInstances } from '../../platform/store/instances.ts';
import { type QueueEntry, readQueueHead, removeFromQueue } from '../../platform/store/launch-queue.ts';
import {
  claimMsOf,
  type MessageResult,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { nextStep } from './next-step.ts';

/** A launch that a create call takes along, with its entry of the launch queue. */
export interface WaitingLaunch extends Attempt {
  entry: QueueEntry;
}

/** Number of entries that are read. Entries of small fleets are near the head of the queue. */
const MOST_READ = 60;

/**
 * Reads the launches at the head of a site's queue that wait for an alike call, and whose next step is a create call. The
 * entries stay in the queue until the launches have results (`leaveQueue`).
 *
 * @param keys keys of the calls (`WantedCreate.call.shared`)
 * @param known ids of instances whose launches the worker has already
 */
export async function readWaitingLaunches(
  context: WorkerContext,
  site: SiteRef,
  keys: ReadonlySet<string>,
  known: ReadonlySet<string>,
): Promise<WaitingLaunch[]> {
  const head = await readQueueHead(context.store, site, MOST_READ);
  const entries = head.filter(
    ({ wanted: { call, instanceId: id } }) => call?.shared && keys.has(call.shared.key) && !known.has(id),
  );
  const records = await readInstances(
    context.store,
    entries.map(({ message }) => message),
  );
  const times = { consistencyWindowMs: context.driver.consistencyWindowMs, claimMs: claimMsOf(context) };
  return entries.flatMap((entry): WaitingLaunch[] => {
    const { message } = entry;
    const record = records.get(instanceId(message));
    // Whatever else these launches need is left to the worker that gets their messages.
    if (record && (record.location !== site.location || record.round > message.round)) return [];
    const next = nextStep(record, { message }, times);
    if (next.step === 'claim')
      return [{ message, entry, again: false, ...(next.replaces ? { record: next.replaces } : {}) }];
    const isOfRound = record?.round === message.round;
    return next.step === 'create' && isOfRound ? [{ message, entry, again: true, record: next.record }] : [];
  });
}

/**
 * Takes launches out of the queue that a create call has taken along. A launch that has to wait gets a message first. A
 * launch without a result stays in the queue: another worker has claimed it, or the launch gate has stopped it. A queue
 * scan or the next worker decides about it.
 *
 * @param results the message results of the launches, by instance id
 */
export async function leaveQueue(
  context: WorkerContext,
  taken: readonly WaitingLaunch[],
  results: ReadonlyMap<string, MessageResult>,
): Promise<void> {
  const over = taken.flatMap((launch) => {
    const result = results.get(instanceId(launch.message));
    return result ? [{ launch, result }] : [];
  });
  await Promise.all(
    over.map(async ({ launch: { message }, result }) => {
      if (!result.done) await context.send(result.as ?? message, result.waitMs);
    }),
  );
  if (over.length > 0)
    await removeFromQueue(
      context.store,
      over.map(({ launch }) => launch.entry),
    );
}
