import type { Priority } from '../../model/fleet-request.ts';
import { instanceId } from '../../model/identifiers.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { addToQueue } from '../../platform/store/launch-queue.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import type { Attempt } from './attempt.ts';

/**
 * Distance between two consecutive queue entries of one fleet in the fair order, by the fleet's priority. For
 * each launch of a `low` fleet, the queue serves four launches of a `normal` fleet, or sixteen launches of a
 * `high` fleet.
 */
const STEPS: Readonly<Record<Priority, number>> = { low: 16, normal: 4, high: 1 };

/**
 * Enqueues launches at a site, and starts the site's poll loop, which serves the queue. The caller then
 * acknowledges the launch messages. A worker that later gives a slot to a queued launch sends the message of
 * that launch again.
 *
 * @param turn the site's current point in the fair order, from the governor; the entries of a fleet without
 *   recent entries begin at this point
 */
export async function enqueue(
  context: WorkerContext,
  site: SiteRef,
  attempts: readonly Attempt[],
  { wanted, turn }: { wanted: ReadonlyMap<string, WantedCreate>; turn: number },
): Promise<void> {
  if (attempts.length === 0) return;
  const nowMs = context.store.clock.now();
  for (const [fleetId, ofFleet] of Map.groupBy(attempts, ({ message }) => message.fleetId)) {
    const { priority } = await context.layout(fleetId);
    const launches = ofFleet.flatMap(({ message }) => {
      const wants = wanted.get(instanceId(message));
      const waitsSinceMs = message.waitsSinceMs ?? nowMs;
      return wants ? [{ message: { ...message, waitsSinceMs }, wanted: { ...wants, waitsSinceMs } }] : [];
    });
    await addToQueue(context.store, site, launches, { turn, step: STEPS[priority] });
  }
  await startPolling(context, site);
}
