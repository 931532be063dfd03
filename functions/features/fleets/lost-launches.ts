import { siteOf } from '../../platform/placement/lay-out.ts';
import { isSettledIn, settledCount } from '../../platform/store/completeness.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import { readQueue } from '../../platform/store/launch-queue.ts';
import { type PlacementItem, readFleetPartition } from '../../platform/store/placements.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import type { AwaitLaunchesMessage } from '../../platform/workflow/messages.ts';
import { together } from '../launch-queue/share-message.ts';
import { readyNetworks } from '../networks/ready-networks.ts';
import { longestTimeoutSeconds } from './assignment.ts';
import { readRecordsAt } from './records-at.ts';

type Quiet = AwaitLaunchesMessage['quiet'][number];

/** Time after an instance's time limit after which a launch that is not under way counts as lost, in ms. */
const GRACE_MS = 300_000;
/** Time for which launches may wait in all, for example for a daily budget, in ms. Then they are given up. */
const LONGEST_WAIT_MS = 6 * 86_400_000;
/** Number of positions in a message that gives launches up. */
const GIVEN_UP_AT_ONCE = 10;

/**
 * Looks for launches that are lost, because their message is in the dead-letter queue. A launch is lost if its location
 * misses instances, although none is being launched there, and nothing has changed for longer than the instances' time
 * limit. Such launches are sent again. The next time, they are given up.
 *
 * @returns the locations where launches are missing, for the next check
 */
export async function resumeLost(context: WorkerContext, message: AwaitLaunchesMessage): Promise<Quiet[]> {
  const { fleetId, connectionKey } = message;
  const nowMs = context.store.clock.now();
  const { placements } = await readFleetPartition(context.store, fleetId);
  const fleet = await readFleetItem(context.store, fleetId);
  const isOver = fleet !== undefined && fleet.workSinceMs + LONGEST_WAIT_MS <= nowMs;
  const quiet: Quiet[] = [];
  for (const placement of placements) {
    if (placement.connectionKey !== connectionKey || placement.launching !== 'on') continue;
    if (isOver) await giveUpAll(context, placement, await missingAt(context, placement));
    if (isUnderWay(placement) || settledCount(placement) === placement.requested) continue;
    quiet.push(await resumeAt(context, placement, message.quiet, nowMs));
  }
  return quiet;
}

const isUnderWay = ({ counts }: PlacementItem): boolean =>
  (counts.Creating ?? 0) + (counts.Terminating ?? 0) > 0;

/** Sends the launches of one location again, or gives them up, if it is time. */
async function resumeAt(
  context: WorkerContext,
  placement: PlacementItem,
  before: readonly Quiet[],
  nowMs: number,
): Promise<Quiet> {
  const { fleetId, location, round } = placement;
  const settled = settledCount(placement);
  const known = before.find((one) => one.location === location);
  if (known?.settled !== settled) return { location, settled, sinceMs: nowMs, sends: 0 };
  const afterMs = (await limitMs(context, placement)) * 2 ** Math.max(0, known.sends - 1);
  if (nowMs < known.sinceMs + afterMs) return known;
  const lost = await withoutQueued(context, placement, await missingAt(context, placement));
  if (lost.length === 0) return { ...known, sinceMs: nowMs };
  // Where the network resources are not ready yet, the launches wait for them, which may take days.
  const areReady =
    placement.blocked !== undefined ||
    (await readyNetworks(context, fleetId, siteOf(placement), round)).length > 0;
  if (known.sends > 0 && areReady) await giveUpAll(context, placement, lost);
  else {
    context.log.warn('launches are lost: they are sent again', { fleetId, location, launches: lost.length });
    await sendAll(context, placement, lost);
  }
  return { ...known, sinceMs: nowMs, sends: known.sends + 1 };
}

async function limitMs(context: WorkerContext, { fleetId }: PlacementItem): Promise<number> {
  const { placements } = await context.layout(fleetId);
  return Math.max(...placements.map(longestTimeoutSeconds)) * 1_000 + GRACE_MS;
}

/** Returns the positions at a placement that still have to be launched in its round. */
async function missingAt(context: WorkerContext, placement: PlacementItem): Promise<number[]> {
  const { fleetId, connectionKey, location, round } = placement;
  const records = await readRecordsAt(context, fleetId, connectionKey);
  const byIndex = new Map(records.map((record) => [record.index, record]));
  const { placements } = await context.layout(fleetId);
  const missing: number[] = [];
  for (const home of placements) {
    if (home.connectionKey !== connectionKey) continue;
    for (let index = home.first; index < home.first + home.count; index += 1) {
      const record = byIndex.get(index);
      if ((record?.location ?? home.location) !== location) continue;
      if (record?.status === 'Creating' || (record && isSettledIn(round, record))) continue;
      missing.push(index);
    }
  }
  return missing;
}

async function withoutQueued(
  context: WorkerContext,
  placement: PlacementItem,
  positions: readonly number[],
): Promise<number[]> {
  if (positions.length === 0) return [];
  const queue = await readQueue(context.store, siteOf(placement));
  const queued = new Set(
    queue.flatMap(({ message }) => (message.fleetId === placement.fleetId ? [message.index] : [])),
  );
  return positions.filter((index) => !queued.has(index));
}

async function sendAll(
  context: WorkerContext,
  { fleetId, connectionKey, location, round }: PlacementItem,
  positions: readonly number[],
): Promise<void> {
  const launches = positions.map((index) => ({
    message: { kind: 'launch' as const, fleetId, connectionKey, location, index, round },
    waitMs: 0,
  }));
  for (const { message, waitMs } of together(launches)) await context.send(message, waitMs);
}

async function giveUpAll(
  context: WorkerContext,
  { fleetId, connectionKey, location, round }: PlacementItem,
  positions: readonly number[],
): Promise<void> {
  if (positions.length === 0) return;
  context.log.warn('launches are given up', { fleetId, location, launches: positions.length });
  const rest = [...positions];
  while (rest.length > 0) {
    const [index, ...others] = rest.splice(0, GIVEN_UP_AT_ONCE);
    if (index === undefined) return;
    const site = { connectionKey, location };
    await context.send(
      {
        kind: 'give-up',
        fleetId,
        ...site,
        index,
        ...(others.length > 0 ? { others } : {}),
        round,
        code: 'Timeout',
      },
      0,
    );
  }
}
