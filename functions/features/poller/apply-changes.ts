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
  fleetsToReview,
  isVanishing,
  mayChangeFleet,
} from './decide-changes.ts';
import type { Poll } from './poll.ts';

/** The changes that were written. A change is not written if another worker has changed the record first. */
export interface Applied {
  /** Ids of the records that were updated. */
  written: ReadonlySet<string>;
  /**
   * The records that the poll has read, as they are after the writes. Some of these records may be at another
   * site.
   */
  after: ReadonlyMap<string, InstanceItem>;
  /** Ids of the records that these changes closed. The machines of these records no longer exist. */
  gone: readonly string[];
}

/**
 * Writes the decided changes to the records. Before that, writes a finding about each missing machine. In the
 * opposite order, a crash in between would leave a closed record without a finding, and no later poll would
 * report the missing machine.
 */
export async function applyDecided(
  { context, site, opened }: Poll,
  { changes }: Pick<Decided, 'changes'>,
  records: ReadonlyMap<string, InstanceItem>,
): Promise<Applied> {
  const vanishing = changes.filter(isVanishing).map(({ record }) => record);
  const missing = await noteMissing(context, site, opened, vanishing);
  await reviewLater(context, changes.filter(mayChangeFleet));
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

/**
 * Ends attempts whose machines no longer exist. Binds machines to their records if the reply to the create
 * call was lost.
 */
export async function endAttempts(
  { context }: Poll,
  { changes, endedAttempts, adopted }: Decided,
): Promise<void> {
  await failInstances(context, endedAttempts);
  for (const fleetId of fleetsThatLost(changes))
    await stopWhenDecided(context.store, await context.layout(fleetId));
  for (const fleetId of fleetsToReview(changes))
    await reviewFleet(context.store, await context.layout(fleetId));
  const running = await recordRunning(context, adopted);
  for (const { record, machine } of adopted)
    if (!running.has(record.instanceId)) await adopt(context, record, machine);
}
