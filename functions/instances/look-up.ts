import { DriverError } from '../drivers/errors.ts';
import { permitCalls, slowDown } from '../governor/governor.ts';
import { startLooking } from '../status/start-looking.ts';
import type { InstanceItem } from '../store/instances.ts';
import { updateInstance } from '../store/transition.ts';
import {
  type Disposition,
  DONE,
  governed,
  type PlaceRef,
  type WorkerContext,
  waitFor,
} from '../worker/context.ts';
import { adopt } from './adopt.ts';
import { failInstances } from './finish.ts';

/** `proven`: the cloud has nothing of this attempt, the same call may be made again. */
export type LookUpAnswer =
  | { proven: true; record: InstanceItem }
  | { proven: false; disposition: Disposition };

const notProven = (disposition: Disposition): LookUpAnswer => ({ proven: false, disposition });

/**
 * Asks the cloud whether an attempt whose outcome is unknown made a machine; if so, the record is bound to it.
 * Called only when the driver's consistency window has passed since the call.
 */
export async function lookUp(
  context: WorkerContext,
  place: PlaceRef,
  record: InstanceItem,
  taskToken: string,
): Promise<LookUpAnswer> {
  const opened = await context.open(place.connectionKey);
  const permit = await permitCalls(context.store, governed(place, opened), 'list', 1);
  if (permit.granted === 0) return notProven(waitFor(permit.retryAfterMs));
  try {
    const found = await opened.client.findInstanceByToken(place.location, record.launchToken);
    if (found) {
      await updateInstance(context.store, record, { taskToken });
      await adopt(context, place, record, found);
      await startLooking(context, place);
      return notProven(DONE);
    }
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'Throttled') await slowDown(context.store, place, 'list', error.retryAfterMs);
    return notProven(waitFor(error.retryAfterMs ?? 2_000));
  }
  if (record.deadlineAtMs > context.store.clock.now()) return { proven: true, record };
  await failInstances(context, place, [
    { record, failure: { code: 'Timeout', message: 'not created within the time allowed for an instance' } },
  ]);
  return notProven(DONE);
}
