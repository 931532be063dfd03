import { readPlaceState } from '../governor/hold-location.ts';
import { heldNow } from '../governor/slots.ts';
import { SPARE_ROWS, serveWaiting } from '../instances/free-slots.ts';
import { readPlacement } from '../store/placements.ts';
import { readAllWaiting, readWaiting, removeWaiting, type WaitingItem } from '../store/waiting.ts';
import type { OpenConnection, PlaceRef, WorkerContext } from '../worker/context.ts';

/** A permit that was given so long ago, and whose launch still stands in line, was given by somebody who died then. */
export const STALLED_MS = 5_000;
/** How often it is seen whose launches need not wait any longer. */
export const ROLL_CALL_MS = 5_000;
const HEARTBEAT_MS = 60_000;
const LONG_MS = 90_000;

/**
 * What a look does for the launches in line: whatever is free is theirs, and what somebody who died left behind goes on.
 *
 * @param stalled holders of slots whose calls were due a while ago, and of which the cloud has nothing: those that wait
 *   come first, since all slots may be theirs
 * @returns whether any are left that something may come free for within minutes
 */
export async function serveLine(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  stalled: ReadonlySet<string> = new Set(),
): Promise<boolean> {
  const { store } = context;
  const [head] = await readWaiting(store, place, 1);
  if (!head) return false;
  const nowMs = store.clock.now();
  const state = await readPlaceState(store, place);
  // The schedule that looks each minute where something is, comes by here as well.
  if (state?.budget && state.budget.untilMs > nowMs + LONG_MS) return false;
  const holders = heldNow(state?.holders ?? {}, nowMs);
  const free = opened.limits.concurrentInstancesPerLocation - Object.keys(holders).length;
  const grantedMs = holders[head.wanted.instanceId];
  const isUnsent = grantedMs !== undefined && grantedMs + STALLED_MS < nowMs;
  if (free <= 0 && !isUnsent && stalled.size === 0) return true;
  const limit = Math.max(0, free) + SPARE_ROWS;
  const isStalled = ({ wanted }: WaitingItem) => stalled.has(wanted.instanceId);
  const first =
    stalled.size === 0
      ? await readWaiting(store, place, limit)
      : (await readAllWaiting(store, place))
          .toSorted((a, b) => Number(isStalled(b)) - Number(isStalled(a)))
          .slice(0, stalled.size + limit);
  const left = first.length - (await serveWaiting(context, place, opened, { first }));
  return left > 0 || first.length === limit;
}

/**
 * Looks through the whole line: launches of fleets that launch nothing here any more go to hear it, and the steps of the
 * others are told that they still wait for their turn.
 *
 * @param lastMs when this was done last
 */
export async function callRoll(context: WorkerContext, place: PlaceRef, lastMs: number): Promise<void> {
  const { store } = context;
  const nowMs = store.clock.now();
  const leaving: WaitingItem[] = [];
  const byFleet = Map.groupBy(await readAllWaiting(store, place), ({ wanted }) => wanted.fleetId);
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
