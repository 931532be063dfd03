import { DriverError } from '../../drivers/contract/errors.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import { type Loop, SHORTEST_LOOK_MS, startBetween, takeBetween } from '../../platform/store/loops.ts';
import type { OpenConnection, PlaceRef, WorkerContext } from '../../platform/worker/context.ts';
import type { LookMessage } from '../../platform/workflow/messages.ts';
import { followCloud } from './follow-cloud.ts';
import { isDoubtful, sightOf } from './sight.ts';

/** The queue knows no shorter delay: the loop's own looks, and the messages for those between, are so far apart. */
const PERIOD_MS = 1_000;
/** Beside two looks a second, a launch may have to ask for one machine alone. */
const LISTS_PER_SECOND_FOR_TWO = 2.5;
/** What looks may take of a larger list rate. */
const SHARE_OF_LISTS = 0.6;
/** Slots that are seen free sooner than this would only wait for the rate of creates. */
const LOOKS_PER_CREATE = 0.5;
const USUAL_LOOKS = 3;
const MOST_LOOKS = 5;
/** Where machines run within this, a part of a second is worth another look. */
const SOON_MS = 2_000;

/** How many looks a second go to a place while slots are waited for there, the loop's own among them. */
export function looksPerSecond({ list, create }: LimitProfile['calls'], fastestMs: number): number {
  if (list.perSecond < LISTS_PER_SECOND_FOR_TWO) return 1;
  if (fastestMs > SOON_MS) return 2;
  const useful = Math.max(USUAL_LOOKS, Math.floor(create.perSecond * LOOKS_PER_CREATE));
  return Math.min(MOST_LOOKS, useful, Math.max(2, Math.floor(list.perSecond * SHARE_OF_LISTS)));
}

/** When slots begin to be waited for. */
export async function beginBetween(
  { store, driver, send }: WorkerContext,
  { connectionKey, location }: Loop,
  { limits }: OpenConnection,
): Promise<void> {
  if (looksPerSecond(limits.calls, 0) < 2) return;
  const generation = await startBetween(store, { driver: driver.name, connectionKey, location });
  if (generation === undefined) return;
  // The loop's own next look comes in a second.
  await send({ kind: 'look', connectionKey, location, generation, between: true }, 0);
}

/** While slots are waited for, which the queue can look for each second only: other looks between each two of them. */
export async function lookBetween(context: WorkerContext, message: LookMessage): Promise<void> {
  const { store } = context;
  const { connectionKey, location } = message;
  const place = { connectionKey, location };
  const loop = await takeBetween(store, { driver: context.driver.name, ...place }, message.generation);
  if (!loop) return;
  const opened = await context.open(connectionKey);
  const looks = looksPerSecond(opened.limits.calls, loop.fastestMs ?? 0);
  const apartMs = PERIOD_MS / looks;
  let isSent = false;
  const goOn = async () => {
    if (isSent) return;
    isSent = true;
    await context.send({ ...message, generation: loop.betweenGeneration }, SHORTEST_LOOK_MS);
  };
  const sinceMs = store.clock.now() - loop.nextLookAtMs;
  if (sinceMs < apartMs) await store.clock.sleep(apartMs - Math.max(0, sinceMs));
  const endMs = store.clock.now() + PERIOD_MS;
  try {
    for (let look = 1; look < looks; look += 1) {
      const nextMs = store.clock.now() + apartMs;
      await lookOnce(context, place, opened, loop, goOn);
      if (nextMs >= endMs || look + 1 === looks) break;
      await store.clock.sleep(Math.max(0, nextMs - store.clock.now()));
    }
  } finally {
    await goOn();
  }
}

async function lookOnce(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  loop: Loop,
  goOn: () => Promise<void>,
): Promise<void> {
  try {
    const sight = await sightOf(context, place, opened, loop);
    // Not before: where lists are slow, one look would come upon the other. And not after, so that they keep their distance.
    await goOn();
    // Whether nothing is there is for the loop's own looks to find out.
    if (!isDoubtful(sight)) await followCloud({ context, place, opened, loop }, sight);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit') return;
    context.log.warn('list failed', { ...place, code: error.code, message: error.message });
  }
}
