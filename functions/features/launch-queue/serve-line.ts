import { readPlaceState } from '../../platform/governor/hold-location.ts';
import { type Holders, heldNow } from '../../platform/governor/slots.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import {
  isAstray,
  readAllWaiting,
  readWaiting,
  removeWaiting,
  type WaitingItem,
} from '../../platform/store/waiting.ts';
import {
  governed,
  type OpenConnection,
  type PlaceRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { SPARE_ROWS, serveWaiting } from './free-slots.ts';

/** A permit that was given so long ago, and whose launch still stands in line, was given by somebody who died then. */
export const STALLED_MS = 5_000;
/** How often it is seen whose launches need not wait any longer. */
export const ROLL_CALL_MS = 5_000;
const HEARTBEAT_MS = 60_000;
const LONG_MS = 90_000;

/**
 * What a look does for the launches in line: whatever is free is theirs, and what somebody who died left behind goes on.
 *
 * @param seenStalled holders of slots whose calls were due a while ago, and of which the cloud has nothing: those that
 *   wait come first, since all slots may be theirs. Absent: the cloud could not be asked, and it may be any
 * @returns whether any are left that something may come free for within minutes
 */
export async function serveLine(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  seenStalled?: ReadonlySet<string>,
): Promise<boolean> {
  const { store } = context;
  const line = governed(place, opened);
  const [head] = await readWaiting(store, line, 1);
  if (!head) return false;
  const nowMs = store.clock.now();
  const state = await readPlaceState(store, place);
  // The schedule that looks each minute where something is, comes by here as well.
  if (state?.budget && state.budget.untilMs > nowMs + LONG_MS) return false;
  const holders = heldNow(state?.holders ?? {}, nowMs);
  const stalled = seenStalled ?? stalledAmong(holders, nowMs);
  const free = opened.limits.concurrentInstancesPerLocation - Object.keys(holders).length;
  const grantedMs = holders[head.wanted.instanceId];
  const isUnsent = grantedMs !== undefined && grantedMs + STALLED_MS < nowMs;
  if (free <= 0 && !isUnsent && stalled.size === 0) return true;
  const limit = Math.max(0, free) + SPARE_ROWS;
  const isStalled = ({ wanted }: WaitingItem) => stalled.has(wanted.instanceId);
  const first =
    stalled.size === 0
      ? await readWaiting(store, line, limit)
      : (await readAllWaiting(store, line))
          .toSorted((a, b) => Number(isStalled(b)) - Number(isStalled(a)))
          .slice(0, stalled.size + limit);
  const left = first.length - (await serveWaiting(context, place, opened, { first }));
  return left > 0 || (await readWaiting(store, line, 1)).length > 0;
}

/** Ids of holders whose calls were due a while ago. */
function stalledAmong(holders: Holders, nowMs: number): Set<string> {
  return new Set(
    Object.entries(holders).flatMap(([id, startMs]) => (startMs + STALLED_MS < nowMs ? [id] : [])),
  );
}

/**
 * Looks through the whole line: launches of fleets that launch nothing here any more go to hear it, the steps of the others
 * are told that they still wait for their turn, and rows where nobody looks for them since the limits have changed go to
 * stand in line again.
 *
 * @param lastMs when this was done last
 */
export async function callRoll(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  lastMs: number,
): Promise<void> {
  const { store } = context;
  const nowMs = store.clock.now();
  const line = governed(place, opened);
  const withAstray = Math.floor(nowMs / HEARTBEAT_MS) > Math.floor(lastMs / HEARTBEAT_MS);
  const all = await readAllWaiting(store, line, { withAstray });
  const leaving = all.filter((item) => isAstray(item, line));
  const standing = all.filter((item) => !leaving.includes(item));
  const byFleet = Map.groupBy(standing, ({ wanted }) => wanted.fleetId);
  for (const [fleetId, items] of byFleet) {
    const placement = await readPlacement(store, fleetId, place.connectionKey, place.location);
    if (placement?.gate !== 'open') leaving.push(...items);
    else await beat(context, items, lastMs, nowMs);
  }
  await Promise.all(leaving.map(({ message }) => context.send(message, 0)));
  await removeWaiting(store, leaving);
}

async function beat(
  { tasks }: WorkerContext,
  items: readonly WaitingItem[],
  lastMs: number,
  nowMs: number,
): Promise<void> {
  const due = items.filter(({ message: { waitsSinceMs = 0 } }) => {
    const beats = (atMs: number) => Math.floor((atMs - waitsSinceMs) / HEARTBEAT_MS);
    return beats(nowMs) > beats(Math.max(lastMs, waitsSinceMs));
  });
  await Promise.all(due.map(({ message }) => tasks.heartbeat(message.taskToken)));
}
