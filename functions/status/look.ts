import type { CloudInstance } from '../drivers/driver.ts';
import { DriverError } from '../drivers/errors.ts';
import { permitCalls, readHolders, slowDown } from '../governor/governor.ts';
import { isTransitional } from '../model/status.ts';
import { type PlaceEntry, readPlaceEntries } from '../store/instances.ts';
import { endLoop, type Loop, settleLook, takeLook } from '../store/loops.ts';
import { governed, type OpenConnection, type PlaceRef, type WorkerContext } from '../worker/context.ts';
import type { LookMessage } from '../workflow/messages.ts';
import { actOn } from './act.ts';
import { agrees, machineOf, machinesById } from './compare.ts';
import { endOverdue } from './end-overdue.ts';
import { LOOK_INTERVAL_MS } from './start-looking.ts';

/** Each so many looks, every record in transition is read, for its deadline. */
const LOOKS_PER_DEADLINE_CHECK = 12;
const LOOKS_UNTIL_IDLE = 2;
/** A refused credential takes somebody's hand, so there is no hurry to look again. */
const BLIND_LOOK_MS: Partial<Record<string, number>> = { Unauthorized: 60_000 };

/**
 * One look of the status loop at one place: one list call for all fleets, what changed is written and handed
 * off, and the next look is sent, as long as anything is in transition.
 */
export async function look(context: WorkerContext, message: LookMessage): Promise<void> {
  const { connectionKey, location } = message;
  const ref = { driver: context.driver.name, connectionKey, location };
  const loop = await takeLook(context.store, ref, message.generation);
  if (!loop) return;
  const opened = await context.open(connectionKey);
  const place = { connectionKey, location };
  const permit = await permitCalls(context.store, governed(place, opened), 'list', 1);
  if (permit.granted === 0) return await lookAgain(context, loop, permit.retryAfterMs);
  const seenAtMs = context.store.clock.now();
  let seen: CloudInstance[];
  try {
    seen = await opened.client.listInstances(location);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('list failed', { connectionKey, location, code: error.code, message: error.message });
    if (error.code === 'Throttled') await slowDown(context.store, place, 'list', error.retryAfterMs);
    else await endOverdue(context, place, error);
    return await lookAgain(
      context,
      loop,
      error.retryAfterMs ?? BLIND_LOOK_MS[error.code] ?? 2 * LOOK_INTERVAL_MS,
    );
  }
  const inTransition = await followCloud(context, place, opened, loop, { seen, seenAtMs });
  if (inTransition > 0) return await lookAgain(context, loop, LOOK_INTERVAL_MS);
  const emptyLooks = loop.emptyLooks + 1;
  if (emptyLooks < LOOKS_UNTIL_IDLE) return await lookAgain(context, loop, LOOK_INTERVAL_MS, emptyLooks);
  const entries = await readPlaceEntries(context.store, connectionKey, location);
  const ended = await endLoop(context.store, ref, loop, entries.length === 0);
  if (!ended) await lookAgain(context, loop, LOOK_INTERVAL_MS);
}

/** @returns how many records, or slots, are still in transition */
async function followCloud(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  loop: Loop,
  { seen, seenAtMs }: { seen: readonly CloudInstance[]; seenAtMs: number },
): Promise<number> {
  const [entries, holders] = await Promise.all([
    readPlaceEntries(context.store, place.connectionKey, place.location),
    readHolders(context.store, place),
  ]);
  const machines = machinesById(seen, entries);
  const withDeadlines = loop.generation % LOOKS_PER_DEADLINE_CHECK === 0;
  const suspects = entries.filter((entry) => isSuspect(entry, machines, withDeadlines));
  const creating = new Set(
    entries.filter(({ status }) => status === 'Creating').map(({ placeSk }) => placeSk),
  );
  const strangers = Object.entries(holders).filter(([id]) => !creating.has(id));
  const left = await actOn(context, place, opened, {
    suspectIds: suspects.map(({ placeSk }) => placeSk),
    strangers: Object.fromEntries(strangers),
    machines,
    seenAtMs,
  });
  const suspectIds = new Set(suspects.map(({ placeSk }) => placeSk));
  const quiet = entries.filter((entry) => isTransitional(entry.status) && !suspectIds.has(entry.placeSk));
  return quiet.length + left;
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
  const { connectionKey, location, generation } = loop;
  const ref = { driver: context.driver.name, connectionKey, location };
  const settled = await settleLook(context.store, ref, generation, {
    nextLookAtMs: context.store.clock.now() + waitMs,
    active: true,
    idle: false,
    emptyLooks,
  });
  if (settled) await context.send({ kind: 'look', connectionKey, location, generation }, waitMs);
}
