import { isClosed } from '../model/status.ts';
import { startLooking } from '../status/start-looking.ts';
import { type InstanceItem, readInstanceRange } from '../store/instances.ts';
import { readPlacement } from '../store/placements.ts';
import type { StatusChange } from '../store/transition.ts';
import { type Disposition, DONE, type WorkerContext, waitFor } from '../worker/context.ts';
import type { TerminateMessage } from '../workflow/messages.ts';
import { applyChanges, handOff } from './finish.ts';

const CHECK_MS = 3_000;

/**
 * Marks every live instance of a fleet at a place as Terminating; the status loop makes the calls and sees them
 * gone. Comes back until none is left, then answers the workflow. The gate is closed, so none can be added.
 */
export async function terminateInstances(
  context: WorkerContext,
  message: TerminateMessage,
): Promise<Disposition> {
  const { fleetId, taskToken, connectionKey, location } = message;
  const place = { connectionKey, location };
  const placement = await readPlacement(context.store, fleetId, connectionKey, location);
  const records = placement
    ? await readInstanceRange(
        context.store,
        fleetId,
        placement.first,
        placement.first + placement.requested - 1,
      )
    : [];
  const live = records.filter(({ status }) => !isClosed(status));
  if (live.length === 0) {
    // A worker that died between a record and its hand-off left slots behind: giving back twice is harmless.
    await handOff(context, place, records);
    await context.tasks.succeed(taskToken, { outcome: 'Terminated' });
    return DONE;
  }
  const nowMs = context.store.clock.now();
  const changes = live.flatMap((record) => change(record, nowMs));
  const { applied } = await applyChanges(context, place, changes);
  const written = new Set(applied);
  await handOff(
    context,
    place,
    changes.flatMap(({ record, to }) => (written.has(record.instanceId) ? [{ ...record, status: to }] : [])),
  );
  await startLooking(context, place);
  return waitFor(CHECK_MS + 10 * live.length);
}

function change(record: InstanceItem, nowMs: number): StatusChange[] {
  if (record.status === 'Terminating') return [];
  // A worker has it in its hands: what it makes of it will be seen at the next check.
  if (record.launchState === 'claimed' && record.claimUntilMs > nowMs) return [];
  if (record.launchState === 'refused') {
    return [
      { kind: 'change', record, to: 'Terminated', fields: { terminatedAt: new Date(nowMs).toISOString() } },
    ];
  }
  return [{ kind: 'change', record, to: 'Terminating', fields: {} }];
}
