import { isClosed } from '../../model/status.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import { type InstanceItem, readInstanceRange } from '../../platform/store/instances.ts';
import { siteName } from '../../platform/store/keys.ts';
import { type StatusChange, updateInstance } from '../../platform/store/transition.ts';
import { ACK, type MessageResult, requeueAfter, type WorkerContext } from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import type { TerminateMessage } from '../../platform/workflow/messages.ts';
import { attemptsOf } from '../ownership/attempts.ts';
import { applyChanges, completeTasks } from './outcomes.ts';

const CHECK_MS = 3_000;

/**
 * Marks the instances of a fleet whose home is this site as Terminating, wherever retries have brought them; the poll
 * loop makes the calls and sees them gone. Comes back until none is left, then answers the workflow. Launching is not
 * on anywhere, so none can be added. In the scope `failed` only what failed goes, and its records are Terminated at the
 * end.
 */
export async function terminateInstances(
  context: WorkerContext,
  message: TerminateMessage,
): Promise<MessageResult> {
  const { fleetId, taskToken, scope } = message;
  const home = (await context.layout(fleetId)).placements.find((one) => sameSite(one, message));
  const records =
    home && home.count > 0
      ? await readInstanceRange(context.store, fleetId, home.first, home.first + home.count - 1)
      : [];
  const nowMs = context.store.clock.now();
  const leaves = await leavingBy(context, fleetId, scope);
  if (!leaves) {
    await context.tasks.succeed(taskToken, { outcome: 'Terminated' });
    return ACK;
  }
  const leaving = records.filter(leaves);
  if (scope === 'failed') await askEndOfVanished(context, records, nowMs);
  const bySite = Map.groupBy(records, ({ connectionKey, location }) => siteName(connectionKey, location));
  for (const there of bySite.values()) {
    const [first] = there;
    if (first) await terminateAt(context, first, there.filter(leaves), nowMs);
  }
  if (leaving.length === 0) {
    // A worker that died after a record's write, before it completed the task, left slots behind: giving back twice is
    // harmless.
    for (const there of bySite.values()) {
      const [first] = there;
      if (first) await completeTasks(context, there);
    }
    await context.tasks.succeed(taskToken, { outcome: 'Terminated' });
    return ACK;
  }
  return requeueAfter(CHECK_MS + 10 * leaving.length);
}

/**
 * Tells of a record whether it has still to end, or, in the scope `failed`, to be put away.
 *
 * @returns undefined for a message that comes after the refining has ended: what stands then may be of a later round
 */
async function leavingBy(
  { store }: WorkerContext,
  fleetId: string,
  scope: TerminateMessage['scope'],
): Promise<((record: InstanceItem) => boolean) | undefined> {
  if (scope === 'fleet') return ({ status }) => !isClosed(status);
  const fleet = await readFleetItem(store, fleetId);
  if (fleet?.work !== 'refine') return undefined;
  return ({ status, closeAs, round }) => {
    const failing = status === 'Terminating' && closeAs !== undefined;
    const unfinished = failing || status === 'Failed' || status === 'Creating' || status === 'Planned';
    return unfinished && round <= fleet.round;
  };
}

/**
 * What vanished is put away with what failed: should it show up again, it is to go. In the scope `fleet` the launch
 * gate says so.
 */
async function askEndOfVanished(
  { store }: WorkerContext,
  records: readonly InstanceItem[],
  nowMs: number,
): Promise<void> {
  const vanished = records.filter(
    (record) =>
      isClosed(record.status) &&
      record.endAskedAtMs === undefined &&
      attemptsOf(record).some((one) => one.vanished),
  );
  // One that has gone on meanwhile is back, and stays.
  await Promise.all(vanished.map((record) => updateInstance(store, record, { endAskedAtMs: nowMs })));
}

async function terminateAt(
  context: WorkerContext,
  { connectionKey, location }: InstanceItem,
  leaving: readonly InstanceItem[],
  nowMs: number,
): Promise<void> {
  if (leaving.length === 0) return;
  const site = { connectionKey, location };
  const changes = leaving.flatMap((record) => change(record, nowMs));
  const { applied } = await applyChanges(context, changes);
  const written = new Set(applied);
  await completeTasks(
    context,
    changes.flatMap(({ record, to }) => (written.has(record.instanceId) ? [{ ...record, status: to }] : [])),
  );
  await startPolling(context, site);
}

function change(record: InstanceItem, nowMs: number): StatusChange[] {
  const terminatedAt = new Date(nowMs).toISOString();
  switch (record.status) {
    case 'Terminating':
      return [];
    case 'Failed':
    case 'Planned':
      return [{ kind: 'change', record, to: 'Terminated', fields: { terminatedAt } }];
    case 'Creating':
    case 'Running':
    case 'Suspending':
    case 'Suspended':
    case 'Resuming':
    case 'Rebooting':
    case 'Undefined':
    case 'Terminated':
      // A worker has it in its hands: what it makes of it will be seen at the next check.
      if (record.launchState === 'claimed' && record.claimUntilMs > nowMs) return [];
      if (record.launchState === 'refused') {
        return [{ kind: 'change', record, to: 'Terminated', fields: { terminatedAt } }];
      }
      return [{ kind: 'change', record, to: 'Terminating', fields: {} }];
  }
}
