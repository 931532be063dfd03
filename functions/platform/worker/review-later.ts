import type { StatusChange } from '../store/transition.ts';
import type { WorkerContext } from './context.ts';

/**
 * Has the fleets of these records reviewed when this worker is certainly over. Sent before records are written that may
 * change what their fleets are: a worker that dies after that write would leave a fleet as it was.
 */
export async function reviewLater(
  { send, timeLimitMs }: WorkerContext,
  changes: readonly Pick<StatusChange, 'record'>[],
): Promise<void> {
  const fleetIds = new Set(changes.map(({ record }) => record.fleetId));
  await Promise.all([...fleetIds].map((fleetId) => send({ kind: 'review-fleet', fleetId }, timeLimitMs)));
}
