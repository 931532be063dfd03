import { DriverError } from '../../drivers/contract/errors.ts';
import type { Verdict } from '../../platform/governor/decide-creates.ts';
import { permitCreates } from '../../platform/governor/permit-creates.ts';
import { releaseSlots } from '../../platform/governor/release-slots.ts';
import type { ReleasedSlot } from '../../platform/governor/slots.ts';
import { readWaiting, removeWaiting, type WaitingItem } from '../../platform/store/waiting.ts';
import {
  governed,
  type OpenConnection,
  type PlaceRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { startLooking } from '../../platform/worker/start-looking.ts';

/** Beside those that there is room for: some of the first in line may be kept from going. */
export const SPARE_ROWS = 10;

/**
 * Gives slots back, in the same write to those that are first in line, whose launches are sent before they leave it.
 * Giving back twice is harmless. Where all of them stay in line, it sees to it that somebody looks: whoever put them
 * there may have died before it did, and nobody's launch goes out that would.
 */
export async function freeSlots(
  context: WorkerContext,
  place: PlaceRef,
  released: readonly ReleasedSlot[],
): Promise<void> {
  if (released.length === 0) return;
  const opened = await openIfPossible(context, place);
  const most = released.length + SPARE_ROWS;
  const first = opened ? await readWaiting(context.store, governed(place, opened), most) : [];
  if (!opened || first.length === 0) {
    await releaseSlots(context.store, place, released);
    return;
  }
  const served = await serveWaiting(context, place, opened, { first, released });
  if (served === 0) await startLooking(context, place);
}

async function openIfPossible(
  context: WorkerContext,
  { connectionKey }: PlaceRef,
): Promise<OpenConnection | undefined> {
  try {
    return await context.open(connectionKey);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return undefined;
  }
}

/**
 * Lets launches in line have what is free. Their messages go out first, with the time of their permit; whoever dies
 * before they leave the line sends them twice.
 *
 * @param released slots that are given back in the same write
 * @returns how many have left the line
 */
export async function serveWaiting(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  { first, released = [] }: { first: readonly WaitingItem[]; released?: readonly ReleasedSlot[] },
): Promise<number> {
  const { store } = context;
  const [next] = first;
  if (!next) return 0;
  const { verdicts, lostRace } = await permitCreates(
    store,
    governed(place, opened),
    first.map(({ wanted }) => wanted),
    { released, turn: next.tag },
  );
  if (lostRace) {
    await releaseSlots(store, place, released);
    return 0;
  }
  const nowMs = store.clock.now();
  const leaving = first.flatMap((item) => {
    const waitMs = waitAfter(verdicts.get(item.wanted.instanceId), nowMs);
    return waitMs === undefined ? [] : [{ item, waitMs }];
  });
  await Promise.all(leaving.map(({ item, waitMs }) => context.send(item.message, waitMs)));
  await removeWaiting(
    store,
    leaving.map(({ item }) => item),
  );
  return leaving.length;
}

/** When a launch's message is to come; undefined while it stays in line. One that is refused learns of it there. */
function waitAfter(verdict: Verdict | undefined, nowMs: number): number | undefined {
  switch (verdict?.say) {
    case 'go':
    case 'no':
      return 0;
    case 'later':
      return Math.max(0, verdict.startMs - nowMs);
    case 'wait':
    case undefined:
      return undefined;
  }
}
