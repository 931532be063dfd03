import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import {
  type Disposition,
  DONE,
  type OpenConnection,
  type PlaceRef,
  type WorkerContext,
  waitFor,
} from '../../platform/worker/context.ts';
import { startLooking } from '../../platform/worker/start-looking.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { proofTerms, proveMachine } from '../ownership/prove-machine.ts';
import { adopt } from './adopt.ts';
import { applyChanges, failInstances, handOff } from './finish.ts';
import { recordRunning } from './record-running.ts';
import { refusalBy } from './unknown-answers.ts';

/** `proven`: the cloud has nothing of this attempt, the same call may be made again. */
export type LookUpAnswer =
  | { proven: true; record: InstanceItem }
  | { proven: false; disposition: Disposition };

const TOO_LATE = { code: 'Timeout', message: 'not created within the time allowed for an instance' };

/** How long until a machine that is being made may tell when it was. */
const UNDECIDED_MS = 5_000;

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
  try {
    const found = await findOwn(context, place, opened, record);
    if (found === 'undecided' && record.deadlineAtMs > context.store.clock.now()) {
      return notProven(waitFor(UNDECIDED_MS));
    }
    if (found === 'undecided') {
      return notProven(await leaveToLooks(context, place, record, { failure: TOO_LATE, taskToken }));
    }
    if (found) {
      const written = await updateInstance(context.store, record, { taskToken });
      const bound = written ? { ...record, taskToken } : record;
      const running = await recordRunning(context, place, [{ record: bound, machine: found }]);
      if (running.size === 0) await adopt(context, place, bound, found);
      await startLooking(context, place);
      return notProven(DONE);
    }
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit') return notProven(waitFor(error.retryAfterMs ?? 1_000));
    const hopeless = error.code === 'Unauthorized' || record.deadlineAtMs <= context.store.clock.now();
    if (!hopeless) return notProven(waitFor(error.retryAfterMs ?? 2_000));
    const failure = { code: error.code, message: error.message };
    return notProven(await leaveToLooks(context, place, record, { failure, taskToken }));
  }
  const nowMs = context.store.clock.now();
  const failure = record.deadlineAtMs > nowMs ? refusalBy(record.unknownAnswer, nowMs) : TOO_LATE;
  if (!failure) return { proven: true, record };
  const isTold =
    record.taskToken === taskToken || (await updateInstance(context.store, record, { taskToken }));
  if (!isTold) return notProven(waitFor(1_000));
  await failInstances(context, place, [{ record: { ...record, taskToken }, failure }]);
  return notProven(DONE);
}

/**
 * The machine that an attempt made, among all that carry its launch token: copies do, too.
 *
 * @returns `undecided` when there is one of which nothing tells whether the attempt made it, such as when it was made
 */
async function findOwn(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  record: InstanceItem,
): Promise<CloudInstance | undefined | 'undecided'> {
  const { client } = opened;
  const found = await client.findInstanceByToken(place.location, record.launchToken);
  if (!found) return undefined;
  const seen = { location: place.location, atMs: context.store.clock.now() };
  const terms = proofTerms(context.driver, client);
  const proofOf = (machine: CloudInstance) => proveMachine({ ...seen, machine }, record, terms);
  if (proofOf(found) === 'proven') return found;
  const all = (await client.listInstances(place.location)).filter(
    ({ launchToken }) => launchToken === record.launchToken,
  );
  const isUndecided = [found, ...all].some((machine) => proofOf(machine) === 'unproven');
  return all.find((machine) => proofOf(machine) === 'proven') ?? (isUndecided ? 'undecided' : undefined);
}

/**
 * Nobody can say whether the attempt made a machine, and there is no time left to wait for that: the workflow is told
 * that it failed, and the status loop removes what it finds, whenever it can look again.
 */
async function leaveToLooks(
  context: WorkerContext,
  place: PlaceRef,
  record: InstanceItem,
  told: { failure: Failure; taskToken: string },
): Promise<Disposition> {
  const fields = { closeAs: 'Failed' as const, ...told };
  const { applied } = await applyChanges(context, place, [
    { kind: 'change', record, to: 'Terminating', fields },
  ]);
  if (applied.length === 0) return waitFor(1_000);
  await startLooking(context, place);
  await handOff(context, place, [{ ...record, ...fields, status: 'Terminating' }]);
  await stopWhenDecided(context.store, await context.layout(record.fleetId));
  return DONE;
}
