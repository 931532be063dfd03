import type { Connection } from '../../model/connection.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { appendAudit, idOfAct } from '../../platform/store/append-audit.ts';
import { type HoldRef, type HoldState, updateHold } from '../../platform/store/sweep-holds.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { auditTypeOf } from '../findings/findings.ts';
import { metricOf } from '../findings/metric.ts';

/** Type of the event about a hold. */
export const SWEEP_HELD = 'Sweep Held';

/**
 * Reports a hold, which makes sweeps wait for an operator. Each call logs a metric that an alarm watches. The
 * entry of the audit log is written once. If a worker crashes before it has set `isTold`, the next sweep sends the event
 * again.
 */
export async function tellHold(
  context: WorkerContext,
  { namespace, name: connection, cloud }: Pick<Connection, 'namespace' | 'name' | 'cloud'>,
  ref: HoldRef,
  { isTold = false, sinceMs, ...hold }: HoldState,
): Promise<void> {
  const { location } = ref;
  const at = isoTime(sinceMs);
  const detail = { connection, cloud, location, since: at, ...hold };
  context.log.warn(SWEEP_HELD, { ...metricOf(SWEEP_HELD, context.store.clock.now()), hold: detail });
  if (isTold) return;
  try {
    await appendAudit(context.store, {
      at,
      id: idOfAct('hold', connection, location, hold.because),
      type: auditTypeOf(SWEEP_HELD),
      namespace,
      actor: { kind: 'sweep', name: connection },
      target: { kind: 'connection', name: connection },
      result: 'succeeded',
      data: { location, because: hold.because },
    });
    await context.publish([{ type: SWEEP_HELD, at, detail }]);
    await updateHold(context.store, ref, (item) => ({
      state: item.hold?.sinceMs === sinceMs ? { ...item, hold: { ...item.hold, isTold: true } } : undefined,
      answer: undefined,
    }));
  } catch (error) {
    context.log.warn('the event of a hold could not be sent', { connection, location, error });
  }
}
