import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { releaseSlots } from '../governor/governor.ts';
import { instanceId } from '../model/identifiers.ts';
import { isClosed } from '../model/status.ts';
import { startLooking } from '../status/start-looking.ts';
import { readInstances } from '../store/instances.ts';
import { updateInstance } from '../store/transition.ts';
import { type Disposition, DONE, type WorkerContext, waitFor } from '../worker/context.ts';
import type { GiveUpMessage } from '../workflow/messages.ts';
import { applyChanges, failInstances, handOff } from './finish.ts';

/**
 * Ends an instance that nobody answered for. One that runs after all is kept; one that was never claimed needs
 * nothing; any other is removed, and its record is Failed when the cloud says that it is gone.
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
  const failure = { code: 'Timeout', message: `no answer within the time allowed (${code})` };
  if (!record) {
    await releaseSlots(context.store, place, [instanceId(message)]);
    await context.tasks.succeed(taskToken, { outcome: 'Failed' });
    return DONE;
  }
  if (record.status === 'Planned' || record.closeAs === 'Planned') {
    const fields = record.status === 'Planned' ? { taskToken } : { taskToken, closeAs: 'Failed' as const };
    const to = record.status === 'Planned' ? 'Failed' : record.status;
    const { applied } = await applyChanges(context, place, [
      { kind: 'change', record, to, fields: { ...fields, failure: record.failure ?? failure } },
    ]);
    if (applied.length === 0) return waitFor(1_000);
    await handOff(context, place, [{ ...record, ...fields, status: to }]);
    return DONE;
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
    await updateInstance(context.store, record, { taskToken });
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
