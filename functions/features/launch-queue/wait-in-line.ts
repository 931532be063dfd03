import type { Priority } from '../../model/fleet-request.ts';
import { instanceId } from '../../model/identifiers.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { addWaiting } from '../../platform/store/waiting.ts';
import { governed, type PlaceRef, type WorkerContext } from '../../platform/worker/context.ts';
import { startLooking } from '../../platform/worker/start-looking.ts';
import type { Attempt } from './attempt.ts';

/** How far apart the launches of one fleet stand in line: four normal ones go for each low one, sixteen high ones. */
const STEPS: Readonly<Record<Priority, number>> = { low: 16, normal: 4, high: 1 };

/**
 * Puts launches in line at a place. Their messages are done: whoever frees what they wait for sends them again. The
 * status loop sees to it that somebody does.
 *
 * @param turn the place's present turn, as the governor told it
 */
export async function waitInLine(
  context: WorkerContext,
  place: PlaceRef,
  attempts: readonly Attempt[],
  { wanted, turn }: { wanted: ReadonlyMap<string, WantedCreate>; turn: number },
): Promise<void> {
  if (attempts.length === 0) return;
  const opened = await context.open(place.connectionKey);
  const nowMs = context.store.clock.now();
  for (const [fleetId, ofFleet] of Map.groupBy(attempts, ({ message }) => message.fleetId)) {
    const { priority } = await context.layout(fleetId);
    const launches = ofFleet.flatMap(({ message }) => {
      const wants = wanted.get(instanceId(message));
      const waitsSinceMs = message.waitsSinceMs ?? nowMs;
      return wants ? [{ message: { ...message, waitsSinceMs }, wanted: { ...wants, waitsSinceMs } }] : [];
    });
    await addWaiting(context.store, governed(place, opened), launches, { turn, step: STEPS[priority] });
  }
  await startLooking(context, place);
}
