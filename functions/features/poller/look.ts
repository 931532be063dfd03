import { DriverError, type DriverErrorCode } from '../../drivers/contract/errors.ts';
import { hasBudget } from '../../platform/governor/budgets.ts';
import { readPlaceEntries } from '../../platform/store/instances.ts';
import {
  endLoop,
  LOOK_INTERVAL_MS,
  type Loop,
  SHORTEST_LOOK_MS,
  settleLook,
  takeLook,
} from '../../platform/store/loops.ts';
import { readAllWaiting } from '../../platform/store/waiting.ts';
import {
  governed,
  type OpenConnection,
  type PlaceRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { LookMessage } from '../../platform/workflow/messages.ts';
import { callRoll, ROLL_CALL_MS, serveLine } from '../launch-queue/serve-line.ts';
import { countForBudget } from './count-for-budget.ts';
import { endOverdue } from './end-overdue.ts';
import { followCloud } from './follow-cloud.ts';
import { beginBetween, lookBetween } from './look-between.ts';
import { nextLookMs } from './next-look.ts';
import { seeById } from './see-by-id.ts';
import { isDoubtful, type Sight, sightOf } from './sight.ts';

const LOOKS_UNTIL_IDLE = 2;
/** A list that did not come is asked for again after this. */
const LIST_AGAIN_MS = 60_000;
/** A refused credential takes somebody's hand, so there is no hurry to look again. */
const BLIND_MS = 60_000;
const BLIND_LOOK_MS: Readonly<Partial<Record<DriverErrorCode, number>>> = { Unauthorized: BLIND_MS };

/**
 * One look of the status loop at one place: one list call for all fleets, what changed is written and handed
 * off, launches in line get what is free, and the next look is sent, as long as anything is in transition.
 */
export async function look(context: WorkerContext, message: LookMessage): Promise<void> {
  if (message.between) return await lookBetween(context, message);
  const { connectionKey, location } = message;
  const ref = { driver: context.driver.name, connectionKey, location };
  const loop = await takeLook(context.store, ref, message.generation);
  if (!loop) return;
  const turn: Turn = { loop, isSent: false };
  try {
    await lookNow(context, { connectionKey, location }, turn);
  } catch (error) {
    // Its message has had its turn, and would be dropped if it came again: the next one goes, whatever the table says.
    if (!turn.isSent)
      await sendLook(context, loop, error instanceof DriverError ? BLIND_MS : LOOK_INTERVAL_MS);
    throw error;
  }
}

/** A look's turn of its loop. */
interface Turn {
  loop: Loop;
  /** Whether the next look has been sent. */
  isSent: boolean;
}

async function lookNow(context: WorkerContext, place: PlaceRef, turn: Turn): Promise<void> {
  const { loop } = turn;
  const { connectionKey, location } = place;
  const opened = await context.open(connectionKey);
  await callRollIfDue(context, place, opened, loop);
  if (isListAwaited(loop, context.store.clock.now())) return await lookById(context, place, opened, turn);
  const askedAtMs = context.store.clock.now();
  let sight: Sight;
  try {
    sight = await sightOf(context, place, opened, loop);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit')
      return await lookLater(context, place, opened, turn, error.retryAfterMs ?? 0);
    context.log.warn('list failed', { connectionKey, location, code: error.code, message: error.message });
    return await withoutList(context, place, opened, turn, { error, askedAtMs });
  }
  loop.listFailedAtMs = 0;
  // One list that shows nothing proves nothing. The same in the very next look is believed.
  if (isDoubtful(sight) && loop.doubtedGeneration !== loop.generation - 1) {
    loop.doubtedGeneration = loop.generation;
    return await lookAgain(context, turn, SHORTEST_LOOK_MS, { isHurry: loop.hurry === true });
  }
  // Sent before what was seen is acted upon, so that the next look comes no later for what that takes.
  if (loop.hurry) {
    await sendLook(context, loop, SHORTEST_LOOK_MS);
    turn.isSent = true;
  }
  await goOn(context, place, opened, turn, sight);
}

/** The list has no permit yet. Most wait for one for less than until the next look would come anyway. */
async function lookLater(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  turn: Turn,
  waitMs: number,
): Promise<void> {
  if (waitMs > LOOK_INTERVAL_MS) return await lookBlindly(context, place, opened, turn, waitMs);
  const isHurry = turn.loop.hurry === true && waitMs <= SHORTEST_LOOK_MS;
  await lookAgain(context, turn, waitMs, { isHurry });
}

/** Has the records follow what was seen, and the loop go on, rest or end. */
async function goOn(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  turn: Turn,
  sight: Sight,
): Promise<void> {
  const { loop } = turn;
  const found = await followCloud({ context, place, opened, loop }, sight);
  const whole = sight.isWhole ? { wholeAtMs: sight.seenAtMs, entries: sight.entries.length } : {};
  const next = {
    ...turn,
    loop: { ...loop, ...whole, fastestMs: found.fastestMs, lookedAtMs: sight.seenAtMs },
  };
  if (found.inTransition > 0 || found.isWaitedFor || turn.isSent) {
    const nextMs = nextLookMs(found, context.store.clock.now());
    const waitMs = found.isRemoving || sight.isListless ? SHORTEST_LOOK_MS : nextMs;
    const isHurry = found.isWaitedFor && nextMs <= SHORTEST_LOOK_MS && !sight.isListless;
    await lookAgain(context, next, waitMs, { isHurry });
    if (!loop.hurry && isHurry) await beginBetween(context, loop, opened);
    return;
  }
  const emptyLooks = loop.emptyLooks + 1;
  if (emptyLooks < LOOKS_UNTIL_IDLE) return await lookAgain(context, next, LOOK_INTERVAL_MS, { emptyLooks });
  const { connectionKey, location } = place;
  const ref = { driver: context.driver.name, connectionKey, location };
  const isIdle = sight.entries.length === 0 && (await isDeserted(context, place, opened));
  if (!(await endLoop(context.store, ref, loop, isIdle))) await lookAgain(context, next, LOOK_INTERVAL_MS);
}

/** Whether the list has failed to come lately: a slow one takes up the time of each look, and of what waits for it. */
function isListAwaited({ listFailedAtMs = 0 }: Loop, nowMs: number): boolean {
  return Math.abs(nowMs - listFailedAtMs) < LIST_AGAIN_MS;
}

/** The list did not come: machines are asked for one by one, where the cloud answers that. */
async function withoutList(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  turn: Turn,
  { error, askedAtMs }: { error: DriverError; askedAtMs: number },
): Promise<void> {
  const { connectionKey, location } = place;
  if (error.code === 'Unavailable') {
    turn.loop.listFailedAtMs = context.store.clock.now();
    const sight = await seeById(context, place, opened, turn.loop);
    if (sight === 'late') return await lookBlindly(context, place, opened, turn, SHORTEST_LOOK_MS);
    if (sight) return await goOn(context, place, opened, turn, sight);
  }
  if (error.code !== 'Throttled') await endOverdue(context, place, error);
  if (hasBudget(opened.limits)) {
    // What the records tell needs no cloud, and reservations do not last for as long as one may be down.
    const entries = await readPlaceEntries(context.store, connectionKey, location);
    await countForBudget(context, place, opened, entries, askedAtMs);
  }
  const waitMs = error.retryAfterMs ?? BLIND_LOOK_MS[error.code] ?? 2 * LOOK_INTERVAL_MS;
  turn.loop.listFailedAtMs = 0;
  await lookBlindly(context, place, opened, turn, waitMs);
}

/** A look while the list is not asked for, since it did not come a while ago. */
async function lookById(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  turn: Turn,
): Promise<void> {
  const sight = await seeById(context, place, opened, turn.loop);
  if (sight === 'late') return await lookBlindly(context, place, opened, turn, SHORTEST_LOOK_MS);
  if (sight) return await goOn(context, place, opened, turn, sight);
  await lookBlindly(context, place, opened, turn, LOOK_INTERVAL_MS);
}

/** The cloud tells nothing for so long. The line goes on without: it is served now, and again within a minute. */
async function lookBlindly(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  turn: Turn,
  waitMs: number,
): Promise<void> {
  const isWaitedFor = await serveLine(context, place, opened);
  await lookAgain(context, turn, isWaitedFor ? Math.min(waitMs, BLIND_MS) : waitMs);
}

/** Whether nothing is here to be looked at again, even what came since the look began. */
async function isDeserted(
  { store }: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
): Promise<boolean> {
  if ((await readPlaceEntries(store, place.connectionKey, place.location)).length > 0) return false;
  return (await readAllWaiting(store, governed(place, opened), { withAstray: true })).length === 0;
}

async function callRollIfDue(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  loop: Loop,
): Promise<void> {
  const nowMs = context.store.clock.now();
  const lastMs = loop.rollCallAtMs ?? 0;
  if (nowMs < lastMs + ROLL_CALL_MS) return;
  await callRoll(context, place, opened, lastMs);
  loop.rollCallAtMs = nowMs;
}

/** @param isHurry whether slots are waited for that may come free at any time */
async function lookAgain(
  context: WorkerContext,
  { loop, isSent }: Turn,
  waitMs: number,
  { emptyLooks = 0, isHurry = false }: { emptyLooks?: number; isHurry?: boolean } = {},
): Promise<void> {
  const { connectionKey, location, generation, fastestMs, rollCallAtMs, lookedAtMs, wholeAtMs, entries } =
    loop;
  const ref = { driver: context.driver.name, connectionKey, location };
  const settled = await settleLook(context.store, ref, generation, {
    nextLookAtMs: isSent ? loop.nextLookAtMs : context.store.clock.now() + waitMs,
    active: true,
    idle: false,
    emptyLooks,
    fastestMs,
    hurry: isHurry,
    rollCallAtMs,
    lookedAtMs,
    wholeAtMs,
    entries,
    listFailedAtMs: loop.listFailedAtMs,
    doubtedGeneration: loop.doubtedGeneration,
    askedUpTo: loop.askedUpTo,
  });
  if (settled && !isSent) await sendLook(context, loop, waitMs);
}

async function sendLook(
  context: WorkerContext,
  { connectionKey, location, generation }: Loop,
  waitMs: number,
): Promise<void> {
  await context.send({ kind: 'look', connectionKey, location, generation }, waitMs);
}
