import type { Failure } from '../../model/failure.ts';
import { instanceId, parseConnectionKey } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { readConnection } from '../../platform/store/connections.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import {
  type Disposition,
  DONE,
  type PlaceRef,
  type WorkerContext,
  waitFor,
} from '../../platform/worker/context.ts';
import { startLooking } from '../../platform/worker/start-looking.ts';
import type { GiveUpMessage } from '../../platform/workflow/messages.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { claimInstances } from './claim.ts';
import { applyChanges, failInstances, handOff } from './finish.ts';

/**
 * Ends an instance that nobody answered for. One that runs after all is kept; one that was never claimed is Failed at
 * once; any other is removed, and its record is Failed when the cloud says that it is gone.
 */
export async function giveUp(context: WorkerContext, message: GiveUpMessage): Promise<Disposition> {
  const { connectionKey, taskToken, code } = message;
  const record = (await readInstances(context.store, [message])).get(instanceId(message));
  const place = { connectionKey, location: record?.location ?? message.location };
  if (record && record.round > message.round) {
    // A later round has it in hand.
    await context.tasks.succeed(taskToken, { outcome: 'Cancelled' });
    return DONE;
  }
  const failure = await reasonOf(context, connectionKey, code);
  const isUnclaimed = !record || (record.round < message.round && isClosed(record.status));
  if (isUnclaimed) return await endUnclaimed(context, place, message, record, failure);
  if (record.status === 'Planned' || record.closeAs === 'Planned') {
    const round = message.round;
    const fields =
      record.status === 'Planned' ? { taskToken, round } : { taskToken, round, closeAs: 'Failed' as const };
    const to = record.status === 'Planned' ? 'Failed' : record.status;
    const { applied } = await applyChanges(context, place, [
      { kind: 'change', record, to, fields: { ...fields, failure: record.failure ?? failure } },
    ]);
    if (applied.length === 0) return waitFor(1_000);
    await handOff(context, place, [{ ...record, ...fields, status: to }]);
    return DONE;
  }
  if (record.round < message.round && record.status === 'Terminating') {
    // What failed in an earlier round is on its way out: this round is over for it as well.
    if (!(await updateInstance(context.store, record, { taskToken, round: message.round })))
      return waitFor(1_000);
  }
  if (isClosed(record.status) || record.status !== 'Creating') {
    const withToken = { ...record, taskToken };
    await handOff(context, place, [withToken]);
    return DONE;
  }
  const nowMs = context.store.clock.now();
  if (record.launchState === 'claimed' && record.claimUntilMs > nowMs)
    return waitFor(record.claimUntilMs - nowMs);
  if (record.launchState === 'refused') {
    if (!(await updateInstance(context.store, record, { taskToken }))) return waitFor(1_000);
    await failInstances(context, place, [{ record: { ...record, taskToken }, failure }]);
    return DONE;
  }
  const fields = { closeAs: 'Failed' as const, failure, taskToken };
  const { applied } = await applyChanges(context, place, [
    { kind: 'change', record, to: 'Terminating', fields },
  ]);
  if (applied.length === 0) return waitFor(1_000);
  await startLooking(context, place);
  await handOff(context, place, [{ ...record, ...fields, status: 'Terminating' }]);
  await stopWhenDecided(context.store, await context.layout(record.fleetId));
  return DONE;
}

/**
 * Ends a position that nobody claimed in this round. A record says so, so that a launch that is late finds it: else
 * that one would still make a machine which the fleet has counted as failed.
 */
async function endUnclaimed(
  context: WorkerContext,
  place: PlaceRef,
  { code: _, ...position }: GiveUpMessage,
  replaces: InstanceItem | undefined,
  failure: Failure,
): Promise<Disposition> {
  // It may have failed elsewhere in an earlier round, and is counted where its record is.
  const message = { ...position, kind: 'launch' as const, location: place.location };
  const attempt = { message, again: false, ...(replaces ? { record: replaces } : {}) };
  const { won, fenced } = await claimInstances(context, place, [attempt]);
  if (fenced.length > 0) {
    // A launch that is late finds the gate as it is. It may have a slot: only a look takes slots from the dead.
    await startLooking(context, place);
    await context.tasks.succeed(position.taskToken, { outcome: 'Cancelled' });
    return DONE;
  }
  if (won.length === 0) return waitFor(1_000);
  await failInstances(
    context,
    place,
    won.map((record) => ({ record, failure })),
  );
  return DONE;
}

/** Where the cloud refuses the connection's credential, that is why nobody could answer. */
async function reasonOf({ store }: WorkerContext, connectionKey: string, code: string): Promise<Failure> {
  const { namespace, name } = parseConnectionKey(connectionKey);
  const connection = await readConnection(store, namespace, name);
  if (connection?.status === 'Failed' && connection.failure) return connection.failure;
  return { code: 'Timeout', message: `no answer within the time allowed (${code})` };
}
