import type { Failure } from '../../model/failure.ts';
import { instanceId, parseConnectionKey } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import { isMoving } from '../../platform/store/counters.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { readNetworkPartition } from '../../platform/store/networks.ts';
import {
  ACK,
  type MessageResult,
  requeueAfter,
  requeueAs,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import type { GiveUpMessage } from '../../platform/workflow/messages.ts';
import { endAwait } from '../fleets/await-launches.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { claimInstances } from './claim.ts';
import { applyChanges, failInstances, freeSlotsOf } from './outcomes.ts';

/** One launch to give up. */
type GivenUp = Omit<GiveUpMessage, 'others' | 'taskToken'>;

/** Gives up launches, one after another. A launch whose claim another worker still has comes back. */
export async function giveUp(context: WorkerContext, message: GiveUpMessage): Promise<MessageResult> {
  const { taskToken, others = [], ...first } = message;
  const left: { index: number; waitMs: number }[] = [];
  for (const index of [first.index, ...others]) {
    const result = await giveUpOne(context, { ...first, index });
    if (!result.done) left.push({ index, waitMs: result.waitMs });
  }
  const [next, ...rest] = left;
  const waitMs = Math.max(...left.map((one) => one.waitMs));
  if (left.length === others.length + 1) return requeueAfter(waitMs);
  if (next) {
    const positions = {
      index: next.index,
      ...(rest.length > 0 ? { others: rest.map(({ index }) => index) } : {}),
    };
    const task = taskToken === undefined ? {} : { taskToken };
    return requeueAs({ ...first, ...positions, ...task }, waitMs);
  }
  if (taskToken !== undefined) await context.tasks.succeed(taskToken, { outcome: 'Failed' });
  return ACK;
}

/**
 * Gives up a launch that is lost, or has waited for too long. What follows depends on the instance's record:
 *
 * - An instance that was never claimed, or that waits for its next attempt, fails immediately.
 * - An instance whose create call the cloud refused fails, or moves to another location.
 * - Any other instance in Creating becomes Terminating. The poll loop removes its machine, and the record
 *   becomes Failed when the cloud shows that the machine no longer exists.
 * - An instance that runs now is kept.
 */
async function giveUpOne(context: WorkerContext, message: GivenUp): Promise<MessageResult> {
  const { connectionKey, round } = message;
  const record = (await readInstances(context.store, [message])).get(instanceId(message));
  const site = { connectionKey, location: record?.location ?? message.location };
  // A later round works on this instance.
  if (record && record.round > round) return ACK;
  const failure = await reasonOf(context, { ...message, location: site.location });
  const isUnclaimed = !record || (record.round < round && isClosed(record.status));
  if (isUnclaimed) return await endUnclaimed(context, site, message, record, failure);
  if (record.status === 'Planned' || isMoving(record))
    return await endPlanned(context, record, round, failure);
  if (record.round < round && record.status === 'Terminating') {
    // The instance ended in an earlier round, and its machine is still being removed. The instance ends in this round,
    // too.
    const change = { kind: 'change', record, to: record.status, fields: { round } } as const;
    if ((await applyChanges(context, [change])).applied.length === 0) return requeueAfter(1_000);
    await stopWhenDecided(context.store, await context.layout(record.fleetId));
  }
  if (record.status !== 'Creating') {
    await freeSlotsOf(context, [record]);
    return ACK;
  }
  return await endCreating(context, site, record, failure);
}

async function endPlanned(
  context: WorkerContext,
  record: InstanceItem,
  round: number,
  failure: Failure,
): Promise<MessageResult> {
  const isPlanned = record.status === 'Planned';
  const fields = isPlanned ? { round } : { round, closeAs: 'Failed' as const };
  const to = isPlanned ? 'Failed' : record.status;
  const { applied } = await applyChanges(context, [
    { kind: 'change', record, to, fields: { ...fields, failure: record.failure ?? failure } },
  ]);
  if (applied.length === 0) return requeueAfter(1_000);
  await freeSlotsOf(context, [{ ...record, ...fields, status: to }]);
  return ACK;
}

async function endCreating(
  context: WorkerContext,
  site: SiteRef,
  record: InstanceItem,
  failure: Failure,
): Promise<MessageResult> {
  const nowMs = context.store.clock.now();
  if (record.launchState === 'claimed' && record.claimUntilMs > nowMs)
    return requeueAfter(record.claimUntilMs - nowMs);
  if (record.launchState === 'refused') {
    await failInstances(context, [{ record, failure }]);
    return ACK;
  }
  const fields = { closeAs: 'Failed' as const, failure };
  const { applied } = await applyChanges(context, [{ kind: 'change', record, to: 'Terminating', fields }]);
  if (applied.length === 0) return requeueAfter(1_000);
  await startPolling(context, site);
  await freeSlotsOf(context, [{ ...record, ...fields, status: 'Terminating' }]);
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
  { code: _, ...position }: GivenUp,
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
    await endAwait(context, { fleetId: position.fleetId, ...site }, []);
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
