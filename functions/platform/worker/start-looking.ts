import { placeName } from '../store/keys.ts';
import { LOOK_INTERVAL_MS, SHORTEST_LOOK_MS, startLoop } from '../store/loops.ts';
import type { PlaceRef, WorkerContext } from './context.ts';

/**
 * Sees to it that somebody looks at a place soon. A loop ends only after two looks that found nothing, so one that
 * was running a look ago sees what was written since.
 */
export async function startLooking(context: WorkerContext, place: PlaceRef): Promise<void> {
  const { connectionKey, location } = place;
  const name = placeName(connectionKey, location);
  const nowMs = context.store.clock.now();
  if ((context.loopsSeen.get(name) ?? 0) > nowMs) return;
  const generation = await startLoop(
    context.store,
    { driver: context.driver.name, connectionKey, location },
    nowMs + SHORTEST_LOOK_MS,
  );
  context.loopsSeen.set(name, nowMs + LOOK_INTERVAL_MS);
  if (generation === undefined) return;
  await context.send({ kind: 'look', connectionKey, location, generation }, SHORTEST_LOOK_MS);
}
