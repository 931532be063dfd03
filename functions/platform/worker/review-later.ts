import type { StatusChange } from '../store/transition.ts';
import type { WorkerContext } from './context.ts';

/**
 * Sends a `review-fleet` message for the fleet of each record. The message is delivered when this worker has certainly
 * ended. Callers call this before they write records that may change a fleet's status. If the worker dies after the
 * write, the review updates the status.
 */
export async function reviewLater(
  { send, timeLimitMs }: WorkerContext,
  changes: readonly Pick<StatusChange, 'record'>[],
): Promise<void> {
  const fleetIds = new Set(changes.map(({ record }) => record.fleetId));
  await Promise.all([...fleetIds].map((fleetId) => send({ kind: 'review-fleet', fleetId }, timeLimitMs)));
}
