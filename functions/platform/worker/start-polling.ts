import { siteName } from '../store/keys.ts';
import { SHORTEST_POLL_MS, startLoop } from '../store/loops.ts';
import type { SiteRef, WorkerContext } from './context.ts';

/**
 * Starts the poll loop of a site, if it is not running. Does nothing if this process started the loop, or saw it
 * running, less than one poll interval ago. That is safe, because a loop ends only after two polls in a row without
 * anything to do: at least one more poll reads what the caller has written.
 */
export async function startPolling(context: WorkerContext, site: SiteRef): Promise<void> {
  const { connectionKey, location } = site;
  const name = siteName(connectionKey, location);
  const nowMs = context.store.clock.now();
  if ((context.loopsSeen.get(name) ?? 0) > nowMs) return;
  const generation = await startLoop(
    context.store,
    { driver: context.driver.name, connectionKey, location },
    nowMs + SHORTEST_POLL_MS,
  );
  context.loopsSeen.set(name, nowMs + context.driver.statusPollSeconds * 1_000);
  if (generation === undefined) return;
  await context.send({ kind: 'poll', connectionKey, location, generation }, SHORTEST_POLL_MS);
}
