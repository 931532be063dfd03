import type { Failure } from '../../model/failure.ts';
import { instanceId, parseConnectionKey } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { readNetworkPartition } from '../../platform/store/networks.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import {
  ACK,
  type MessageResult,
  requeueAfter,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import type { GiveUpMessage } from '../../platform/workflow/messages.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { claimInstances } from './claim.ts';
import { applyChanges, completeTasks, failInstances } from './outcomes.ts';

/**
 * Gives up a launch whose workflow step got no answer in time. What follows depends on the instance's record:
 *
 * - An instance that was never claimed, or that waits for its next attempt, fails immediately.
 * - An instance whose create call the cloud refused fails, or moves to another location.
 * - Any other instance in Creating becomes Terminating. The poll loop removes its machine, and the record
 *   becomes Failed when the cloud shows that the machine no longer exists.
 * - An instance that runs now is kept, and its task is completed.
 */
export async function giveUp(context: WorkerContext, message: GiveUpMessage): Promise<MessageResult> {
  const { connectionKey, taskToken } = message;
  const record = (await readInstances(context.store, [message])).get(instanceId(message));
  const site = { connectionKey, location: record?.location ?? message.location };
  if (record && record.round > message.round) {
    // A later round works on this instance.
    await context.tasks.succeed(taskToken, { outcome: 'Cancelled' });
    return ACK;
  }
  const failure = await reasonOf(context, { ...message, location: site.location });
  const isUnclaimed = !record || (record.round < message.round && isClosed(record.status));
  if (isUnclaimed) return await endUnclaimed(context, site, message, record, failure);
  if (record.status === 'Planned' || record.closeAs === 'Planned') {
    const round = message.round;
    const fields =
      record.status === 'Planned' ? { taskToken, round } : { taskToken, round, closeAs: 'Failed' as const };
    const to = record.status === 'Planned' ? 'Failed' : record.status;
    const { applied } = await applyChanges(context, [
      { kind: 'change', record, to, fields: { ...fields, failure: record.failure ?? failure } },
    ]);
    if (applied.length === 0) return requeueAfter(1_000);
    await completeTasks(context, [{ ...record, ...fields, status: to }]);
    return ACK;
  }
  if (record.round < message.round && record.status === 'Terminating') {
    // The instance failed in an earlier round, and its machine is still being removed. The instance fails in
    // this round, too.
    const fields = { taskToken, round: message.round };
    const { applied } = await applyChanges(context, [{ kind: 'change', record, to: record.status, fields }]);
    if (applied.length === 0) return requeueAfter(1_000);
    await stopWhenDecided(context.store, await context.layout(record.fleetId));
  }
  if (isClosed(record.status) || record.status !== 'Creating') {
    const withToken = { ...record, taskToken };
    await completeTasks(context, [withToken]);
    return ACK;
  }
  const nowMs = context.store.clock.now();
  if (record.launchState === 'claimed' && record.claimUntilMs > nowMs)
    return requeueAfter(record.claimUntilMs - nowMs);
  if (record.launchState === 'refused') {
    if (!(await updateInstance(context.store, record, { taskToken }))) return requeueAfter(1_000);
    await failInstances(context, [{ record: { ...record, taskToken }, failure }]);
    return ACK;
  }
  const fields = { closeAs: 'Failed' as const, failure, taskToken };
  const { applied } = await applyChanges(context, [{ kind: 'change', record, to: 'Terminating', fields }]);
  if (applied.length === 0) return requeueAfter(1_000);
  await startPolling(context, site);
  await completeTasks(context, [{ ...record, ...fields, status: 'Terminating' }]);
  await stopWhenDecided(context.store, await context.layout(record.fleetId));
  return ACK;
}

/**
 * Fails an instance that no launch has claimed in this round. Writes a record first, which stops a late
 * launch of the instance. Without the record, that launch would create a machine for an instance that counts
 * as failed.
 */
async function endUnclaimed(
  context: WorkerContext,
  site: SiteRef,
  { code: _, ...position }: GiveUpMessage,
  replaces: InstanceItem | undefined,
  failure: Failure,
): Promise<MessageResult> {
  // The record of an earlier round may be at another location than this message. The failure is then counted
  // at the location in the record.
  const message = { ...position, kind: 'launch' as const, location: site.location };
  const attempt = { message, again: false, ...(replaces ? { record: replaces } : {}) };
  const { won, stopped } = await claimInstances(context, [attempt]);
  if (stopped.length > 0) {
    // The launch gate stopped this claim, and stops a late launch in the same way. Therefore no record is
    // needed. A worker of this launch may have died while the launch held a slot. Only a poll takes such a
    // slot back.
    await startPolling(context, site);
    await context.tasks.succeed(position.taskToken, { outcome: 'Cancelled' });
    return ACK;
  }
  if (won.length === 0) return requeueAfter(1_000);
  await failInstances(
    context,
    won.map((record) => ({ record, failure })),
  );
  return ACK;
}

/**
 * Returns the failure to record. If the connection has failed, for example because the cloud rejected its
 * credential, returns the connection's failure, because that is the cause. If the fleet waited for a quota of network
 * resources, returns the cloud's words about it.
 */
async function reasonOf(
  { store }: WorkerContext,
  {
    connectionKey,
    code,
    fleetId,
    location,
  }: Pick<GiveUpMessage, 'connectionKey' | 'code' | 'fleetId' | 'location'>,
): Promise<Failure> {
  const connection = await readConnectionOf(store, parseConnectionKey(connectionKey));
  if (connection?.failure) return connection.failure;
  const { records, memberships } = await readNetworkPartition(store, { fleetId, connectionKey, location });
  const creating = records.filter(({ status }) => status === 'Creating');
  const short = [...creating, ...memberships].find(({ stuck }) => stuck?.code === 'QuotaExceeded');
  if (short?.stuck) return { code: short.stuck.code, message: short.stuck.message };
  return { code: 'Timeout', message: `no worker answered within the time limit of the instance (${code})` };
}
