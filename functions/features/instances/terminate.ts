import { isClosed } from '../../model/status.ts';
import { groupAt, sameSite } from '../../platform/placement/lay-out.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import { type InstanceItem, readInstanceRange } from '../../platform/store/instances.ts';
import { siteName } from '../../platform/store/keys.ts';
import { type StatusChange, updateInstance } from '../../platform/store/transition.ts';
import {
  ACK,
  type MessageResult,
  requeueAfter,
  requeueWhileAwaited,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import type { TerminateMessage } from '../../platform/workflow/messages.ts';
import { attemptsOf } from '../ownership/attempts.ts';
import { isLeavingUnasked } from '../ownership/returning.ts';
import { mayLeaveVolumes } from '../volumes/volume-fate.ts';
import { applyChanges, freeSlotsOf } from './outcomes.ts';

const CHECK_MS = 3_000;
/** Delay of the next check if the cloud refuses to remove each of the remaining machines, in ms. */
const STUCK_CHECK_MS = 15_000;
/**
 * Time after the request of a removal, in ms, from which each check looks whether a step still waits for the task. Step
 * Functions limits such calls, and most removals end earlier.
 */
const LONG_MS = 600_000;

/**
 * Marks as Terminating the instances of a fleet that the layout assigns to this site, even if they have moved
 * to another location. The poll loop makes the removal calls, and sees when the machines no longer exist.
 *
 * The message is delivered again until no instance is left. Then the message's task is completed. No new
 * instance can appear, because launching is not on at any placement. With the scope `failed`, only failed
 * instances are removed, and their records become Terminated. If the removal takes long, the message ends when no step
 * waits for its task any more: another try of the step has a message of its own.
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
    if (first) await terminateAt(context, first, await withVolumes(context, there.filter(leaves)), nowMs);
  }
  if (leaving.length === 0) {
    // A worker may have died after it wrote a record. The slot is then still held. To give a slot back twice is harmless.
    for (const there of bySite.values()) {
      const [first] = there;
      if (first) await freeSlotsOf(context, there);
    }
    await context.tasks.succeed(taskToken, { outcome: 'Terminated' });
    return ACK;
  }
  const areStuck = leaving.every(({ stuck }) => stuck !== undefined);
  const waitMs = (areStuck ? STUCK_CHECK_MS : CHECK_MS) + 10 * leaving.length;
  const isLong = leaving.some(({ terminatingAtMs = nowMs }) => terminatingAtMs + LONG_MS <= nowMs);
  return isLong ? await requeueWhileAwaited(context, taskToken, waitMs) : requeueAfter(waitMs);
}

/**
 * Returns a predicate that is true for each record that still has to end. With the scope `failed`, a failed
 * record ends when it becomes Terminated.
 *
 * @returns undefined if the message was delivered after the refine ended: records may then belong to a later
 *   round
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
 * Writes to the records of vanished instances that their removal was requested. If the machine of such an
 * instance reappears, the machine is then removed. With the scope `fleet`, this write is not needed, because
 * no record is reopened after launching has ended.
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
  // If a record has changed in the meantime, nothing is written: its machine exists again, and is not
  // removed.
  await Promise.all(vanished.map((record) => updateInstance(store, record, { endAskedAtMs: nowMs })));
}

/** A record that has to end, and whether volumes of its last attempt may exist although no machine does. */
interface Leaving {
  record: InstanceItem;
  mayHaveVolumes: boolean;
}

async function withVolumes(context: WorkerContext, records: readonly InstanceItem[]): Promise<Leaving[]> {
  return await Promise.all(
    records.map(async (record) => {
      const { placements } = await context.layout(record.fleetId);
      const mayHaveVolumes = mayLeaveVolumes(groupAt(placements, record.index)?.group, context.driver);
      return { record, mayHaveVolumes };
    }),
  );
}

async function terminateAt(
  context: WorkerContext,
  { connectionKey, location }: InstanceItem,
  leaving: readonly Leaving[],
  nowMs: number,
): Promise<void> {
  if (leaving.length === 0) return;
  const site = { connectionKey, location };
  const changes = leaving.flatMap((one) => change(one, nowMs));
  const { applied } = await applyChanges(context, changes);
  const written = new Set(applied);
  await freeSlotsOf(
    context,
    changes.flatMap(({ record, to }) => (written.has(record.instanceId) ? [{ ...record, status: to }] : [])),
  );
  await startPolling(context, site);
}

function change({ record, mayHaveVolumes }: Leaving, nowMs: number): StatusChange[] {
  const terminatedAt = new Date(nowMs).toISOString();
  switch (record.status) {
    case 'Terminating':
      // The cloud removes the machine without a request. If it gives up, the machine must be removed all the same.
      return isLeavingUnasked(record)
        ? [{ kind: 'change', record, to: 'Terminating', fields: { closeAs: 'Terminated' } }]
        : [];
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
      // A worker still has the claim. The next check sees whether that worker created a machine.
      if (record.launchState === 'claimed' && record.claimUntilMs > nowMs) return [];
      // A poll looks for volumes that the refused call has left.
      if (record.launchState === 'refused' && !mayHaveVolumes) {
        return [{ kind: 'change', record, to: 'Terminated', fields: { terminatedAt } }];
      }
      return [{ kind: 'change', record, to: 'Terminating', fields: {} }];
  }
}
