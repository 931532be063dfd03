import type { Connection } from '../../model/connection.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { writeAudit } from '../../platform/store/audit.ts';
import { type HoldRef, type HoldState, updateHold } from '../../platform/store/sweep-holds.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { metricOf } from '../findings/metric.ts';

/** Type of the event and of the audit row about a hold. */
export const SWEEP_HELD = 'Sweep Held';

/**
 * Reports a hold, which makes sweeps wait for an operator. Each call logs a metric that an alarm watches. The
 * audit row and the event are usually written once. If a worker crashes before it has set `isTold`, the next
 * sweep overwrites the row and sends the event again.
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
    const id = `hold#${connection}#${location}#${hold.because}`;
    await writeAudit(context.store, { namespace, at, id, type: SWEEP_HELD, detail });
    await context.publish([{ type: SWEEP_HELD, at, detail }]);
    await updateHold(context.store, ref, (item) => ({
      state: item.hold?.sinceMs === sinceMs ? { ...item, hold: { ...item.hold, isTold: true } } : undefined,
      answer: undefined,
    }));
  } catch (error) {
    context.log.warn('the event of a hold could not be sent', { connection, location, error });
  }
}
