import type { InstanceRef } from '../../model/identifiers.ts';
import { instanceId } from '../../model/identifiers.ts';
import { readInstances } from '../../platform/store/instances.ts';
import type { Store } from '../../platform/store/store.ts';
import { leaveWaitingSeat, takeWaitingSeat } from '../../platform/store/waiting-seats.ts';
import { outcomeOf } from './next-step.ts';

/**
 * Longest wait of a request, in seconds. API Gateway gives up after 30 seconds, and the request also takes time before
 * and after the wait.
 */
export const LONGEST_WAIT_SECONDS = 25;
/** Shortest interval between two reads of the record, in ms. A poll of a fast cloud writes about this often. */
const FIRST_PAUSE_MS = 500;
/** Factor by which the interval grows, up to MAX_PAUSE_MS. A wait of 25 s makes 15 reads. */
const GROWTH = 1.25;
const MAX_PAUSE_MS = 2_500;

/**
 * Waits until each of the instances runs or has ended, or until the time is over. Reads only the records, and never asks
 * a cloud.
 *
 * @param seats number of requests that may wait at a time in the whole deployment
 * @returns the time that was waited for at most, in seconds; undefined if the request did not wait, because too many
 * other requests wait
 */
export async function awaitInstances(
  store: Store<'fleets'>,
  refs: readonly InstanceRef[],
  { seats, waitSeconds }: { seats: number; waitSeconds: number },
): Promise<number | undefined> {
  const seconds = Math.min(waitSeconds, LONGEST_WAIT_SECONDS);
  const untilMs = store.clock.now() + seconds * 1_000;
  const seat = await takeWaitingSeat(store, seats, untilMs);
  if (!seat) return undefined;
  try {
    let pauseMs = FIRST_PAUSE_MS;
    for (let open = await unended(store, refs); open.length > 0; open = await unended(store, open)) {
      const leftMs = untilMs - store.clock.now();
      if (leftMs <= 0) break;
      await store.clock.sleep(Math.min(pauseMs, leftMs));
      pauseMs = Math.min(pauseMs * GROWTH, MAX_PAUSE_MS);
    }
  } finally {
    await leaveWaitingSeat(store, seat);
  }
  return seconds;
}

/**
 * Returns the instances that neither run nor have ended. Reads with eventual consistency, which costs half: a later read
 * sees what this one misses.
 */
async function unended(store: Store<'fleets'>, refs: readonly InstanceRef[]): Promise<InstanceRef[]> {
  const records = await readInstances(store, refs, { isConsistent: false });
  return refs.filter((ref) => {
    const record = records.get(instanceId(ref));
    return record === undefined || outcomeOf(record) === undefined;
  });
}
