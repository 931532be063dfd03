import { DriverError } from '../../drivers/contract/errors.ts';
import { EVERYWHERE, type HoldState, readHold, updateHold } from '../../platform/store/sweep-holds.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { idInUse, renewMark } from '../writers/keep-mark.ts';
import { tellHold } from './tell-hold.ts';

/**
 * Renews the mark by which deployments with the same id notice each other in the cloud account of a
 * connection. If another live deployment with the same id uses the account, puts a hold on the connection:
 * sweeps remove nothing until an operator continues the sweeps. The caller must request sweeps only after
 * this call.
 */
export async function watchWriters(context: WorkerContext, connectionKey: string): Promise<void> {
  const ref = { connectionKey, location: EVERYWHERE };
  try {
    const { client, connection } = await context.open(connectionKey);
    const { continuedAtMs } = (await readHold(context.store, ref)) ?? {};
    const mark = await renewMark(context, client, continuedAtMs);
    if (mark === 'none' || mark.alone) return;
    const { message } = idInUse(await context.deploymentId(), mark.other);
    const sinceMs = context.store.clock.now();
    const hold = await updateHold(context.store, ref, (item) => {
      const held: HoldState = item.hold ?? { because: 'another-writer', sinceMs, message };
      return { state: item.hold ? undefined : { ...item, hold: held }, answer: held };
    });
    await tellHold(context, connection, ref, hold);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('the mark of this deployment could not be renewed', {
      connectionKey,
      code: error.code,
      message: error.message,
    });
  }
}
