import { DriverError } from '../drivers/errors.ts';
import { permitCalls, slowDown } from '../governor/permit-calls.ts';
import { type Loop, SHORTEST_LOOK_MS, startBetween, takeBetween } from '../store/loops.ts';
import { governed, type OpenConnection, type PlaceRef, type WorkerContext } from '../worker/context.ts';
import type { LookMessage } from '../workflow/messages.ts';
import { followCloud } from './follow-cloud.ts';
import { isDoubtful, sightOf } from './sight.ts';

/** Looks that come closer than this after one of the loop's own would see the same. */
const APART_MS = 350;
/** Beside two looks a second, somebody may want to ask for a machine by itself. */
const LISTS_PER_SECOND_FOR_TWO = 2.5;
const LISTS_PER_SECOND_FOR_THREE = 5;
/** Where machines run within this, a third of a second is worth another look. */
const SOON_MS = 2_000;

/** When slots begin to be waited for. */
export async function beginBetween(
  { store, driver, send }: WorkerContext,
  { connectionKey, location }: Loop,
  { limits }: OpenConnection,
): Promise<void> {
  if (limits.calls.list.perSecond < LISTS_PER_SECOND_FOR_TWO) return;
  const generation = await startBetween(store, { driver: driver.name, connectionKey, location });
  if (generation === undefined) return;
  await send({ kind: 'look', connectionKey, location, generation, between: true }, SHORTEST_LOOK_MS);
}

/** While slots are waited for, which the queue can look for each second only: another look between each two of them. */
export async function lookBetween(context: WorkerContext, message: LookMessage): Promise<void> {
  const { connectionKey, location } = message;
  const place = { connectionKey, location };
  const loop = await takeBetween(
    context.store,
    { driver: context.driver.name, ...place },
    message.generation,
  );
  if (!loop) return;
  const sinceMs = context.store.clock.now() - loop.nextLookAtMs;
  // Only the first: those that follow keep the distance. As many messages without delay would cost more.
  if (sinceMs < APART_MS) await context.store.clock.sleep(APART_MS - Math.max(0, sinceMs));
  const opened = await context.open(connectionKey);
  try {
    await lookOnce(context, place, opened, loop);
  } finally {
    // Not before: where lists are slow, one look would come upon the other.
    await context.send({ ...message, generation: loop.betweenGeneration }, SHORTEST_LOOK_MS);
  }
  const { perSecond } = opened.limits.calls.list;
  if (perSecond < LISTS_PER_SECOND_FOR_THREE || (loop.fastestMs ?? 0) > SOON_MS) return;
  await context.store.clock.sleep(APART_MS);
  await lookOnce(context, place, opened, loop);
}

async function lookOnce(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  loop: Loop,
): Promise<void> {
  const permit = await permitCalls(context.store, governed(place, opened), 'list', 1);
  if (permit.granted === 0) return;
  try {
    const sight = await sightOf(context, place, opened, loop);
    // Whether nothing is there is for the loop's own looks to find out.
    if (!isDoubtful(sight)) await followCloud(context, place, opened, loop, sight);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('list failed', { ...place, code: error.code, message: error.message });
    if (error.code === 'Throttled') await slowDown(context.store, place, 'list', error.retryAfterMs);
  }
}
