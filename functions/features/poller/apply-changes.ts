import { isClosed } from '../../model/status.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { reviewLater } from '../../platform/worker/review-later.ts';
import { noteMissing, noteVanished } from '../findings/vanished-machines.ts';
import { reviewFleet } from '../fleets/review-fleet.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { adopt } from '../instances/adopt.ts';
import { applyChanges, failInstances } from '../instances/outcomes.ts';
import { recordRunning } from '../instances/record-running.ts';
import {
  type Decided,
  fleetsThatLost,
  fleetsThatRecovered,
  isRecovery,
  isVanishing,
} from './decide-changes.ts';
import type { Poll } from './poll.ts';

/** What was written of a decision: other workers may have been faster. */
export interface Applied {
  /** Ids of the records that follow the cloud now. */
  written: ReadonlySet<string>;
  /** The records as they stand after it, wherever they are. */
  after: ReadonlyMap<string, InstanceItem>;
  /** Ids of those whose records are closed now: the cloud has fewer machines than it had. */
  gone: readonly string[];
}

/** Has the records follow the cloud. What is missing is reported first: a worker that dies over it has told of it. */
export async function applyDecided(
  { context, site, opened }: Poll,
  { changes }: Pick<Decided, 'changes'>,
  records: ReadonlyMap<string, InstanceItem>,
): Promise<Applied> {
  const vanishing = changes.filter(isVanishing).map(({ record }) => record);
  const missing = await noteMissing(context, site, opened, vanishing);
  await reviewLater(context, changes.filter(isRecovery));
  const { applied } = await applyChanges(context, changes);
  const written = new Set(applied);
  await noteVanished(
    context,
    [...missing].flatMap(([id, finding]) => (written.has(id) ? [finding] : [])),
  );
  const made = changes.filter(({ record }) => written.has(record.instanceId));
  const after = new Map(records);
  for (const { record, to, fields } of made)
    after.set(record.instanceId, { ...record, ...fields, status: to });
  const gone = made.flatMap(({ record, to }) => (isClosed(to) ? [record.instanceId] : []));
  return { written, after, gone };
}

/** Ends attempts that the cloud has nothing of any more, and binds machines of those whose answer was lost. */
export async function endAttempts(
  { context }: Poll,
  { changes, endedAttempts, adopted }: Decided,
): Promise<void> {
  await failInstances(context, endedAttempts);
  for (const fleetId of fleetsThatLost(changes))
    await stopWhenDecided(context.store, await context.layout(fleetId));
  for (const fleetId of fleetsThatRecovered(changes))
    await reviewFleet(context.store, await context.layout(fleetId));
  const running = await recordRunning(context, adopted);
  for (const { record, machine } of adopted)
    if (!running.has(record.instanceId)) await adopt(context, record, machine);
}
