import { DriverError } from '../../drivers/contract/errors.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import { perSecondOf } from '../../model/rate.ts';
import { type Loop, SHORTEST_POLL_MS, startFastPolls, takeFastPoll } from '../../platform/store/loops.ts';
import {
  governed,
  type OpenConnection,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { PollMessage } from '../../platform/workflow/messages.ts';
import { reconcileSite } from './reconcile-site.ts';
import { isDoubtful, takeSnapshot } from './snapshot.ts';

/**
 * Shortest delay of an SQS message, in ms. While launches wait for slots, this is the interval of the poll
 * loop's own polls. The worker that receives one fast-poll message makes all fast polls of one such interval.
 */
const PERIOD_MS = 1_000;
/**
 * Lowest list rate, in calls per second, at which a site is polled more than once per second. At a lower
 * rate, two polls per second would leave too few list calls for launches that look up a machine.
 */
const LISTS_PER_SECOND_FOR_TWO = 2.5;
/** Part of the list rate that polls may use. */
const SHARE_OF_LISTS = 0.6;
/**
 * Number of useful polls per create call that the rate limit permits. More polls would free slots sooner than
 * launches can use them.
 */
const POLLS_PER_CREATE = 0.5;
const USUAL_POLLS = 3;
const MOST_POLLS = 5;
/** Longest boot time, in ms, for which more than one poll per second is useful. */
const SOON_MS = 2_000;

type PollLimits = Pick<LimitProfile, 'calls' | 'concurrentInstancesPerLocation'>;

/**
 * Returns the number of polls per second at a site where launches wait for slots. This number includes the
 * one poll per second of the site's poll loop.
 *
 * @param fastestMs shortest time from create call to Running at this site, or a time that no machine was faster than;
 * undefined if neither is known
 */
export function pollsPerSecond(
  { calls, concurrentInstancesPerLocation }: PollLimits,
  fastestMs: number | undefined,
): number {
  // A slot of a machine that takes longer to boot is of little use half a second earlier.
  if (fastestMs === undefined || fastestMs > SOON_MS) return 1;
  // Without slots, launches wait for the rate alone, and no poll lets them go sooner.
  if (concurrentInstancesPerLocation === undefined) return 1;
  const [lists, creates] = [perSecondOf(calls.list), perSecondOf(calls.create)];
  if (lists < LISTS_PER_SECOND_FOR_TWO) return 1;
  const useful = Math.max(USUAL_POLLS, Math.floor(creates * POLLS_PER_CREATE));
  return Math.min(MOST_POLLS, useful, Math.max(2, Math.floor(lists * SHARE_OF_LISTS)));
}

/**
 * Returns true if fast polls run, or are to run, at a site with this loop: launches wait for slots, and more than one
 * poll per second is useful.
 */
export function isPolledFast(
  { connectionKey, location, fastPolling, fastestMs }: Loop,
  opened: OpenConnection,
): boolean {
  const { limits } = governed({ connectionKey, location }, opened);
  return fastPolling === true && pollsPerSecond(limits, fastestMs) > 1;
}

/** Starts fast polls. */
export async function beginFastPolls(
  { store, driver, send }: WorkerContext,
  { connectionKey, location }: Loop,
): Promise<void> {
  const generation = await startFastPolls(store, { driver: driver.name, connectionKey, location });
  if (generation === undefined) return;
  // The first message for fast polls is sent without a delay, because the loop's own next poll is a second
  // away.
  await send({ kind: 'poll', connectionKey, location, generation, fast: true }, 0);
}

/**
 * Makes the fast polls of one message. Polls of the loop are at least a second apart, because SQS has no
 * shorter delay. Fast polls run between two polls of the loop.
 */
export async function fastPoll(context: WorkerContext, message: PollMessage): Promise<void> {
  const { store } = context;
  const { connectionKey, location } = message;
  const site = { connectionKey, location };
  const loop = await takeFastPoll(store, { driver: context.driver.name, ...site }, message.generation);
  if (!loop) return;
  const opened = await context.open(connectionKey);
  const polls = pollsPerSecond(governed(site, opened).limits, loop.fastestMs ?? 0);
  if (polls < 2) return;
  const apartMs = PERIOD_MS / polls;
  // Until a boot was measured, each poll of the loop decides again whether the machines may be quick.
  let isSent = loop.fastestMs === undefined;
  const goOn = async () => {
    if (isSent) return;
    isSent = true;
    await context.send({ ...message, generation: loop.fastGeneration }, SHORTEST_POLL_MS);
  };
  const sinceMs = store.clock.now() - loop.nextPollAtMs;
  if (sinceMs < apartMs) await store.clock.sleep(apartMs - Math.max(0, sinceMs));
  const endMs = store.clock.now() + PERIOD_MS;
  try {
    for (let poll = 1; poll < polls; poll += 1) {
      const nextMs = store.clock.now() + apartMs;
      await pollOnce(context, site, opened, loop, goOn);
      if (nextMs >= endMs || poll + 1 === polls) break;
      await store.clock.sleep(Math.max(0, nextMs - store.clock.now()));
    }
  } finally {
    await goOn();
  }
}

async function pollOnce(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  loop: Loop,
  goOn: () => Promise<void>,
): Promise<void> {
  try {
    const snapshot = await takeSnapshot(context, site, opened, loop);
    // If the next message were sent before the list call, polls would overlap at a site with slow lists. If
    // the next message were sent after the reconcile, the reconcile would delay the next poll.
    await goOn();
    // A fast poll ignores a list that shows none of the expected machines. Only the poll loop's own polls
    // decide whether such a list is true.
    if (!isDoubtful(snapshot)) await reconcileSite({ context, site, opened, loop }, snapshot);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit') return;
    context.log.warn('the machines could not be listed', {
      ...site,
      code: error.code,
      message: error.message,
    });
  }
}
