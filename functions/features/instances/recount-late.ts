import { DriverError } from '../../drivers/contract/errors.ts';
import { permitLateCreates } from '../../platform/governor/permit-calls.ts';
import { PermitQueue } from '../../platform/governor/permit-queue.ts';
import { leavesLate } from '../../platform/governor/rate.ts';
import {
  governed,
  type OpenConnection,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';

/** Maximum time for which a late call waits until it may leave. The launch's message then waits instead. */
const WAIT_MS = 5_000;
/** Time that is kept free at the end of an invocation, so that the worker can still make the call and record it. */
const KEPT_MS = 10_000;

/**
 * Makes sure that one create call may leave now.
 *
 * @param machines number of machines of the call
 * @returns undefined if the call may leave; the error NoPermit if its launches have to wait
 */
export type Recount = (machines: number) => Promise<DriverError | undefined>;

/**
 * Lets create calls leave that the governor counted at `countedAtMs`. Claims and other writes come between the permit
 * and the call. If they take long, the governor counts the call again, at the time at which it leaves.
 */
export function recountLate(
  { store, invocation, log }: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  countedAtMs: number,
): Recount {
  // Calls that had to stay were counted again, too.
  let stayed = { count: 0, countedAtMs };
  const late = new PermitQueue(store.clock, async (sizes) => {
    const known = sizes.length <= stayed.count ? stayed.countedAtMs : countedAtMs;
    const answer = await permitLateCreates(store, governed(site, opened), { sizes, countedAtMs: known });
    if (answer.granted > 0)
      stayed = { count: sizes.length - answer.granted, countedAtMs: answer.countedAtMs };
    return answer;
  });
  return async (machines) => {
    const nowMs = store.clock.now();
    if (!leavesLate(countedAtMs, nowMs)) return undefined;
    const untilMs = Math.min(nowMs + WAIT_MS, invocation.endsAtMs - KEPT_MS);
    try {
      await late.take(machines, () => untilMs, false);
    } catch (error) {
      if (error instanceof DriverError && error.code === 'NoPermit') return error;
      throw error;
    }
    log.info('create calls left late', { ...site, lateMs: nowMs - countedAtMs, machines });
    return undefined;
  };
}
