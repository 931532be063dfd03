import { type AwaitItem, putAwait, readAwait, removeAwait } from '../../platform/store/awaits.ts';
import { isComplete, isCompleteBy } from '../../platform/store/completeness.ts';
import { hasEnded, type PlacementRef, type Step } from '../../platform/store/counters.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import { type PlacementItem, readFleetPartition, readPlacement } from '../../platform/store/placements.ts';
import { ACK, type MessageResult, requeueAs, type WorkerContext } from '../../platform/worker/context.ts';
import type { AwaitLaunchesMessage, LaunchMessage } from '../../platform/workflow/messages.ts';
import { together } from '../launch-queue/share-message.ts';
import { resumeLost } from './lost-launches.ts';
import { readRecordsAt } from './records-at.ts';

/** Delay of the first check for lost launches, in ms. It doubles with each check. */
const FIRST_CHECK_MS = 30_000;
const LONGEST_CHECK_MS = 300_000;

/**
 * Lets a workflow step wait until the fleet has no launch left at a connection. Checks it immediately, and sends the
 * message that looks for lost launches.
 */
export async function awaitLaunches(context: WorkerContext, waiting: AwaitItem): Promise<void> {
  if (!(await beginAwait(context, waiting))) return;
  await context.send({ kind: 'await-launches', ...waiting, checks: 0, quiet: [] }, FIRST_CHECK_MS);
}

/**
 * Handles the message of a waiting step. Until the step has its answer, the message comes back, sends a heartbeat and
 * looks for lost launches. It also answers the step if the worker that saw the last launch end died before it did so.
 */
export async function checkAwait(
  context: WorkerContext,
  message: AwaitLaunchesMessage,
): Promise<MessageResult> {
  const { fleetId, connectionKey, execution, taskToken, checks } = message;
  if (!(await context.tasks.heartbeat(taskToken))) return ACK;
  if (!(await beginAwait(context, { fleetId, connectionKey, execution, taskToken }))) return ACK;
  const waitMs = Math.min(LONGEST_CHECK_MS, FIRST_CHECK_MS * 2 ** Math.min(checks, 10));
  const quiet = await resumeLost(context, message);
  return requeueAs({ ...message, checks: checks + 1, quiet }, waitMs);
}

/**
 * Stores which step waits, then answers it if no launch is left.
 *
 * @returns true if the step still waits
 */
async function beginAwait(context: WorkerContext, waiting: AwaitItem): Promise<boolean> {
  const { store, tasks } = context;
  const { fleetId, execution, taskToken } = waiting;
  const fleet = await readFleetItem(store, fleetId);
  const earlier = await readAwait(store, waiting);
  const isCurrent = fleet?.work === 'provision' && fleet.execution === execution;
  if (!isCurrent || (earlier && earlier.execution > execution)) {
    await tasks.succeed(taskToken, { outcome: 'Replaced' });
    return false;
  }
  if (earlier?.taskToken !== taskToken) {
    // A late copy of a message of this execution must not replace the token of the step that waits now.
    if (earlier?.execution === execution && !(await tasks.heartbeat(taskToken))) return false;
    if (!(await putAwait(store, waiting))) {
      await tasks.succeed(taskToken, { outcome: 'Replaced' });
      return false;
    }
    if (earlier) await tasks.succeed(earlier.taskToken, { outcome: 'Replaced' });
  }
  return !(await answerIfComplete(context, waiting, { byRecords: true }));
}

/**
 * Answers the step that waits for a fleet's launches at a connection, if changes at one of its placements have left
 * none. Launches an instance again if it has just ended and was last launched in an earlier round than the placement's.
 *
 * @param steps the changes of records, which have been written
 */
export async function endAwait(
  context: WorkerContext,
  ref: PlacementRef,
  steps: readonly Step[],
): Promise<void> {
  const { fleetId, connectionKey, location } = ref;
  const placement = await readPlacement(context.store, fleetId, connectionKey, location);
  if (!placement) return;
  const missed =
    placement.launching === 'on'
      ? steps.filter(({ after }) => hasEnded(after) && after.round < placement.round)
      : [];
  const { round } = placement;
  const launches = missed.map(({ after: { index } }) => ({
    message: { kind: 'launch', fleetId, index, round, connectionKey, location } satisfies LaunchMessage,
    waitMs: 0,
  }));
  for (const { message, waitMs } of together(launches)) await context.send(message, waitMs);
  if (isComplete(placement)) await answerIfComplete(context, ref);
}

/**
 * Answers the step that waits for a fleet's launches at a connection if none is left. The answer may come twice, from
 * two workers that see the last launches end at the same time. The second answer has no effect.
 *
 * @param byRecords true: where the counters of a placement do not tell, the records are read
 * @returns true if none is left
 */
async function answerIfComplete(
  context: WorkerContext,
  { fleetId, connectionKey }: Pick<PlacementRef, 'fleetId' | 'connectionKey'>,
  { byRecords = false } = {},
): Promise<boolean> {
  const { placements, awaits } = await readFleetPartition(context.store, fleetId);
  const waiting = awaits.find((one) => one.connectionKey === connectionKey);
  if (!waiting) return false;
  const ours = placements.filter((one) => one.connectionKey === connectionKey);
  const unknown = ours.filter((one) => isComplete(one) === undefined);
  if (unknown.length > 0 && !byRecords) return false;
  if (ours.some((one) => isComplete(one) === false)) return false;
  if (unknown.length > 0 && !(await areComplete(context, fleetId, connectionKey, unknown))) return false;
  await context.tasks.succeed(waiting.taskToken, { outcome: 'Settled' });
  await removeAwait(context.store, waiting);
  return true;
}

async function areComplete(
  context: WorkerContext,
  fleetId: string,
  connectionKey: string,
  placements: readonly PlacementItem[],
): Promise<boolean> {
  const records = await readRecordsAt(context, fleetId, connectionKey);
  return placements.every((one) =>
    isCompleteBy(
      one,
      records.filter(({ location }) => location === one.location),
    ),
  );
}
