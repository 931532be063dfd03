import type { CloudInstance } from '../drivers/driver.ts';
import { DriverError } from '../drivers/errors.ts';
import { hasBudget } from '../governor/budgets.ts';
import { readPlaceState } from '../governor/hold-location.ts';
import { noteFirstRun, reopenQuotas } from '../governor/learn-from-creates.ts';
import { permitCalls, slowDown } from '../governor/permit-calls.ts';
import { heldNow } from '../governor/slots.ts';
import { returnBudget } from '../governor/take-budget.ts';
import { isTransitional } from '../model/status.ts';
import { type PlaceEntry, readPlaceEntries } from '../store/instances.ts';
import { endLoop, type Loop, settleLook, startBetween, takeBetween, takeLook } from '../store/loops.ts';
import { readWaiting } from '../store/waiting.ts';
import { governed, type OpenConnection, type PlaceRef, type WorkerContext } from '../worker/context.ts';
import type { LookMessage } from '../workflow/messages.ts';
import { actOn } from './act.ts';
import { agrees, machineOf, machinesById } from './compare.ts';
import { countForBudget } from './count-for-budget.ts';
import { endOverdue } from './end-overdue.ts';
import { fastestOf, LOOK_INTERVAL_MS, nextLookMs, SHORTEST_LOOK_MS } from './next-look.ts';
import { callRoll, ROLL_CALL_MS, serveLine } from './serve-line.ts';

/** Each so many looks, every record in transition is read, for its deadline. */
const LOOKS_PER_DEADLINE_CHECK = 12;
const LOOKS_UNTIL_IDLE = 2;
/** A refused credential takes somebody's hand, so there is no hurry to look again. */
const BLIND_LOOK_MS: Partial<Record<string, number>> = { Unauthorized: 60_000 };

/** What a look found. */
interface Seen {
  /** Records, and slots, that are still in transition. */
  inTransition: number;
  isWaitedFor: boolean;
  startsMs: number[];
  fastestMs: number | undefined;
}

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
  // Sent first, so that the next look comes no later for what this one takes.
  if (loop.hurry) await sendLook(context, loop, SHORTEST_LOOK_MS);
  try {
    await lookNow(context, { connectionKey, location }, loop);
  } catch (error) {
    // Its message has had its turn, and would be dropped if it came again.
    await lookAgain(context, loop, LOOK_INTERVAL_MS);
    throw error;
  }
}

async function lookNow(context: WorkerContext, place: PlaceRef, loop: Loop): Promise<void> {
  const { connectionKey, location } = place;
  const ref = { driver: context.driver.name, connectionKey, location };
  const opened = await context.open(connectionKey);
  await callRollIfDue(context, place, loop);
  const permit = await permitCalls(context.store, governed(place, opened), 'list', 1);
  if (permit.granted === 0) return await lookAgain(context, loop, permit.retryAfterMs);
  const seenAtMs = context.store.clock.now();
  let machines: CloudInstance[];
  try {
    machines = await opened.client.listInstances(location);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('list failed', { connectionKey, location, code: error.code, message: error.message });
    if (error.code === 'Throttled') await slowDown(context.store, place, 'list', error.retryAfterMs);
    else await endOverdue(context, place, error);
    if (hasBudget(opened.limits)) {
      // What the records tell needs no cloud, and reservations do not last for as long as one may be down.
      const entries = await readPlaceEntries(context.store, connectionKey, location);
      await countForBudget(context, place, opened, entries, seenAtMs);
    }
    await serveLine(context, place, opened);
    return await lookAgain(
      context,
      loop,
      error.retryAfterMs ?? BLIND_LOOK_MS[error.code] ?? 2 * LOOK_INTERVAL_MS,
    );
  }
  const found = await followCloud(context, place, opened, loop, { seen: machines, seenAtMs });
  const next = { ...loop, fastestMs: found.fastestMs };
  if (found.inTransition > 0 || found.isWaitedFor || loop.hurry) {
    const waitMs = nextLookMs(found, context.store.clock.now());
    await lookAgain(context, next, waitMs);
    if (!loop.hurry && waitMs <= SHORTEST_LOOK_MS) await beginBetween(context, loop, opened);
    return;
  }
  const emptyLooks = loop.emptyLooks + 1;
  if (emptyLooks < LOOKS_UNTIL_IDLE) return await lookAgain(context, next, LOOK_INTERVAL_MS, emptyLooks);
  const entries = await readPlaceEntries(context.store, connectionKey, location);
  const line = await readWaiting(context.store, place, 1);
  const ended = await endLoop(context.store, ref, loop, entries.length === 0 && line.length === 0);
  if (!ended) await lookAgain(context, next, LOOK_INTERVAL_MS);
}

async function callRollIfDue(context: WorkerContext, place: PlaceRef, loop: Loop): Promise<void> {
  const nowMs = context.store.clock.now();
  const lastMs = loop.rollCallAtMs ?? 0;
  if (nowMs < lastMs + ROLL_CALL_MS) return;
  await callRoll(context, place, lastMs);
  loop.rollCallAtMs = nowMs;
}

/** Looks that come closer than this to one of the loop's own would see the same. */
const APART_MS = 350;
/** Beside two looks a second, somebody may want to ask for a machine by itself. */
const LISTS_PER_SECOND_FOR_TWO = 2.5;

/** While slots are waited for, which the queue can look for each second only: another look between each two of them. */
async function lookBetween(context: WorkerContext, message: LookMessage): Promise<void> {
  const { connectionKey, location } = message;
  const place = { connectionKey, location };
  const loop = await takeBetween(
    context.store,
    { driver: context.driver.name, ...place },
    message.generation,
  );
  if (!loop) return;
  const next = { ...message, generation: loop.betweenGeneration };
  const seenAtMs = context.store.clock.now();
  if (seenAtMs < loop.nextLookAtMs + APART_MS) return await context.send(next, 0);
  await context.send(next, SHORTEST_LOOK_MS);
  const opened = await context.open(connectionKey);
  const permit = await permitCalls(context.store, governed(place, opened), 'list', 1);
  if (permit.granted === 0) return;
  try {
    const seen = await opened.client.listInstances(location);
    await followCloud(context, place, opened, loop, { seen, seenAtMs });
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('list failed', { connectionKey, location, code: error.code, message: error.message });
    if (error.code === 'Throttled') await slowDown(context.store, place, 'list', error.retryAfterMs);
  }
}

async function followCloud(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  loop: Loop,
  { seen, seenAtMs }: { seen: readonly CloudInstance[]; seenAtMs: number },
): Promise<Seen> {
  const [entries, state] = await Promise.all([
    readPlaceEntries(context.store, place.connectionKey, place.location),
    readPlaceState(context.store, place),
  ]);
  const holders = heldNow(state?.holders ?? {}, context.store.clock.now());
  const machines = machinesById(seen, entries);
  const withDeadlines = loop.generation % LOOKS_PER_DEADLINE_CHECK === 0;
  const suspects = entries.filter((entry) => isSuspect(entry, machines, withDeadlines));
  const creating = entries.filter(({ status }) => status === 'Creating').map(({ placeSk }) => placeSk);
  const isCreating = new Set(creating);
  const strangers = Object.entries(holders).filter(([id]) => !isCreating.has(id));
  const { left, gone } = await actOn(context, place, opened, {
    suspectIds: suspects.map(({ placeSk }) => placeSk),
    strangers: Object.fromEntries(strangers),
    machines,
    seenAtMs,
  });
  if (gone.length > 0 && Object.keys(state?.closed ?? {}).length > 0)
    await reopenQuotas(context.store, governed(place, opened));
  await returnBudget(context.store, governed(place, opened), gone);
  const live = entries.filter(({ placeSk }) => !gone.includes(placeSk));
  await countForBudget(context, place, opened, live, seenAtMs);
  const runs = new Set(
    [...machines].flatMap(([id, ofId]) => (ofId.some(({ status }) => status === 'Running') ? [id] : [])),
  );
  if (opened.limits.pacing === 'all-at-once' && state?.ranAtMs === undefined && runs.size > 0)
    await noteFirstRun(context.store, governed(place, opened));
  const isWaitedFor = await serveLine(context, place, opened);
  const suspectIds = new Set(suspects.map(({ placeSk }) => placeSk));
  const quiet = entries.filter((entry) => isTransitional(entry.status) && !suspectIds.has(entry.placeSk));
  const startOf = (id: string) => holders[id] ?? seenAtMs;
  const boots = creating.filter((id) => runs.has(id) && id in holders);
  return {
    inTransition: quiet.length + left,
    isWaitedFor,
    startsMs: creating.filter((id) => !runs.has(id)).map(startOf),
    fastestMs: fastestOf(
      loop.fastestMs,
      boots.map((id) => seenAtMs - startOf(id)),
    ),
  };
}

function isSuspect(
  entry: PlaceEntry,
  machines: ReadonlyMap<string, readonly CloudInstance[]>,
  withDeadlines: boolean,
): boolean {
  if (withDeadlines && entry.status === 'Creating') return true;
  return !agrees(entry, machineOf(entry, machines.get(entry.placeSk) ?? []));
}

async function lookAgain(context: WorkerContext, loop: Loop, waitMs: number, emptyLooks = 0): Promise<void> {
  const { connectionKey, location, generation, fastestMs, rollCallAtMs } = loop;
  const ref = { driver: context.driver.name, connectionKey, location };
  const isSent = loop.hurry === true;
  const settled = await settleLook(context.store, ref, generation, {
    nextLookAtMs: isSent ? loop.nextLookAtMs : context.store.clock.now() + waitMs,
    active: true,
    idle: false,
    emptyLooks,
    fastestMs,
    hurry: waitMs <= SHORTEST_LOOK_MS,
    rollCallAtMs,
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

/** When slots begin to be waited for. */
async function beginBetween(
  { store, driver, send }: WorkerContext,
  { connectionKey, location }: Loop,
  { limits }: OpenConnection,
): Promise<void> {
  if (limits.calls.list.perSecond < LISTS_PER_SECOND_FOR_TWO) return;
  const generation = await startBetween(store, { driver: driver.name, connectionKey, location });
  if (generation === undefined) return;
  await send({ kind: 'look', connectionKey, location, generation, between: true }, SHORTEST_LOOK_MS);
}
