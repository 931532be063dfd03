import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { DriverError, failureOf } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import { siteOf } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import {
  ACK,
  type MessageResult,
  type OpenConnection,
  requeueAfter,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import { markRefused } from '../connections/mark-failed.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { proofTerms, proveMachine } from '../ownership/prove-machine.ts';
import { adopt } from './adopt.ts';
import { attemptAgainHere } from './attempt-elsewhere.ts';
import { applyChanges, failInstances, freeSlotsOf } from './outcomes.ts';
import { recordRunning } from './record-running.ts';
import { afterUsedToken, refusalBy } from './unknown-answers.ts';

/**
 * `proven` is true if the create call may be repeated: the cloud has no machine of this attempt, and the launch
 * has not failed.
 */
export type LookUpAnswer = { proven: true; record: InstanceItem } | { proven: false; result: MessageResult };

const TOO_LATE = { code: 'Timeout', message: 'the instance was not created within its time limit' };

/** Delay of the next look-up if the cloud denied this one, in ms. */
const DENIED_MS = 30_000;
/** Delay before the next look-up, in ms, if it is still unknown whether the attempt created a machine. */
const UNDECIDED_MS = 5_000;

const notProven = (result: MessageResult): LookUpAnswer => ({ proven: false, result });

/**
 * Asks the cloud whether an attempt with an unknown outcome created a machine. If so, binds the record to
 * that machine. The driver's consistency window, which begins with the create call, must be over.
 */
export async function lookUp(context: WorkerContext, record: InstanceItem): Promise<LookUpAnswer> {
  const opened = await context.open(record.connectionKey);
  try {
    const found = await findOwn(context, opened, record);
    if (found === 'undecided' && record.deadlineAtMs > context.store.clock.now()) {
      return notProven(requeueAfter(UNDECIDED_MS));
    }
    if (found === 'undecided') {
      return notProven(await leaveToPoller(context, record, TOO_LATE));
    }
    if (found) {
      const running = await recordRunning(context, [{ record, machine: found }]);
      if (running.size === 0) await adopt(context, record, found);
      await startPolling(context, siteOf(record));
      return notProven(ACK);
    }
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit') return notProven(requeueAfter(error.retryAfterMs ?? 1_000));
    if (error.code === 'Unauthorized') await markRefused(context, opened.connection, failureOf(error));
    const isOver = record.deadlineAtMs <= context.store.clock.now();
    const usualMs = error.code === 'Forbidden' ? DENIED_MS : 2_000;
    if (!isOver) return notProven(requeueAfter(error.retryAfterMs ?? usualMs));
    const failure = { code: error.code, message: error.message };
    return notProven(await leaveToPoller(context, record, failure));
  }
  const nowMs = context.store.clock.now();
  const after = record.deadlineAtMs > nowMs ? afterNothing(record, nowMs) : { failure: TOO_LATE };
  if (!after) return { proven: true, record };
  if ('failure' in after) {
    await failInstances(context, [{ record, failure: after.failure }]);
    return notProven(ACK);
  }
  // Where launching has stopped, no attempt follows. The launch is then cancelled like any other.
  const { triedZones, callLimit } = record;
  const reason = { code: 'LaunchTokenUsed', message: record.unknownAnswer?.words ?? '' };
  const follows = await attemptAgainHere(context, record, { triedZones, callLimit, ...after }, reason);
  return follows ? notProven(ACK) : { proven: true, record };
}

/**
 * Returns what follows when an attempt with an unknown outcome has no machine: its failure, or the next attempt with
 * another launch token. Undefined: the same call may be made again.
 */
function afterNothing(record: InstanceItem, nowMs: number) {
  const failure = refusalBy(record.unknownAnswer, nowMs);
  return afterUsedToken(record) ?? (failure ? { failure } : undefined);
}

/**
 * Returns the machine that an attempt created, among all machines with its launch token. The token alone is no
 * proof, because a user may have made a copy of the machine, which has the token, too.
 *
 * @returns undefined if the attempt created no machine; `undecided` if it is unknown whether the attempt
 *   created a machine, for example because the creation time of the machine is missing
 */
async function findOwn(
  context: WorkerContext,
  opened: OpenConnection,
  record: InstanceItem,
): Promise<CloudInstance | undefined | 'undecided'> {
  const { client } = opened;
  const found = await client.findInstanceByToken(record.location, record.launchToken);
  if (!found) return undefined;
  const seen = { location: record.location, atMs: context.store.clock.now() };
  const terms = proofTerms(context.driver, client);
  const proofOf = (machine: CloudInstance) => proveMachine({ ...seen, machine }, record, terms);
  if (proofOf(found) === 'proven') return found;
  const all = (await client.listInstances(record.location)).filter(
    ({ launchToken }) => launchToken === record.launchToken,
  );
  const isUndecided = [found, ...all].some((machine) => proofOf(machine) === 'unproven');
  return all.find((machine) => proofOf(machine) === 'proven') ?? (isUndecided ? 'undecided' : undefined);
}

/**
 * Fails an attempt whose outcome cannot be found out any more. If a poll finds a machine of the attempt later, the poll removes that machine.
 */
async function leaveToPoller(
  context: WorkerContext,
  record: InstanceItem,
  failure: Failure,
): Promise<MessageResult> {
  const fields = { closeAs: 'Failed' as const, failure };
  const { applied } = await applyChanges(context, [{ kind: 'change', record, to: 'Terminating', fields }]);
  if (applied.length === 0) return requeueAfter(1_000);
  await startPolling(context, siteOf(record));
  await freeSlotsOf(context, [{ ...record, ...fields, status: 'Terminating' }]);
  await stopWhenDecided(context.store, await context.layout(record.fleetId));
  return ACK;
}
