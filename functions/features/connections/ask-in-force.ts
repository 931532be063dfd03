import type { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';

/**
 * Delay before the next check, in ms. Applies while it is unknown whether a create call has made a machine,
 * and after an error that names no delay.
 */
export const UNSETTLED_MS = 5_000;
/**
 * Time after a rotation was requested, in ms. Until then, the check is repeated if a call with the credential
 * in force fails, unless the cloud rejects that credential. After this time, the new credential is judged
 * without an answer to that call.
 */
const LONGEST_ASKING_MS = 2 * 60_000;

/**
 * Decides whether a failed call with the credential in force is repeated.
 *
 * @returns the delay before the next check, in ms; undefined if the new credential is judged without the answer
 */
export function repeatAfterMs(
  { store }: Pick<WorkerContext, 'store'>,
  { rotation }: Pick<Connection, 'rotation'>,
  { code, retryAfterMs }: DriverError,
): number | undefined {
  const askedMs = store.clock.now() - Date.parse(rotation?.requestedAt ?? '');
  return code !== 'Unauthorized' && askedMs < LONGEST_ASKING_MS ? (retryAfterMs ?? UNSETTLED_MS) : undefined;
}
