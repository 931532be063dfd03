import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { isTransitional } from '../../model/status.ts';
import { readPlaceState } from '../../platform/governor/hold-location.ts';
import { noteFirstRun, reopenQuotas } from '../../platform/governor/learn-from-creates.ts';
import { permitCreates } from '../../platform/governor/permit-creates.ts';
import { type Holders, heldNow, RENEW_SLOT_MS } from '../../platform/governor/slots.ts';
import { returnBudget } from '../../platform/governor/take-budget.ts';
import type { PlaceEntry } from '../../platform/store/instances.ts';
import type { Loop } from '../../platform/store/loops.ts';
import {
  governed,
  type OpenConnection,
  type PlaceRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { takeBackUnclaimed } from '../instances/take-back.ts';
import { STALLED_MS, serveLine } from '../launch-queue/serve-line.ts';
import { UNCLAIMED_SLOT_MS } from './abandoned-slots.ts';
import { actOn } from './act.ts';
import { agrees, machineOf, machinesById } from './compare.ts';
import { countForBudget } from './count-for-budget.ts';
import { bootBetween, fastestOf } from './next-look.ts';
import type { Sight } from './sight.ts';

/** So often every record in transition is read, for its deadline, and those of machines that no entry speaks of. */
const DEADLINES_MS = 60_000;

/** Whoever was given a slot for a call at some time makes it within this. */
const ABOUT_TO_CALL_MS = 10_000;

/** What a look found. */
export interface Followed {
  /** Records, and slots, that are still in transition, as far as it looked. */
  inTransition: number;
  isWaitedFor: boolean;
  /** Whether calls to remove machines are left to be made. */
  isRemoving: boolean;
  /** When the calls of those went out, or go out, that hold slots and do not run yet. */
  startsMs: number[];
  fastestMs: number | undefined;
}

/**
 * Has the records follow what the cloud's list shows: changes are written and handed off, and launches in line get what
 * has come free.
 */
export async function followCloud(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  loop: Loop,
  { entries, seen, seenAtMs, isWhole, asked, isListless }: Sight,
): Promise<Followed> {
  const state = await readPlaceState(context.store, place);
  const holders = heldNow(state?.holders ?? {}, context.store.clock.now());
  const machines = machinesById(seen, entries);
  const turn = (atMs: number) => Math.floor(atMs / DEADLINES_MS);
  const withDeadlines = isWhole && turn(seenAtMs) !== turn(loop.wholeAtMs ?? 0);
  const looked = asked ? entries.filter(({ placeSk }) => asked.has(placeSk)) : entries;
  const suspects = looked.filter((entry) => isSuspect(entry, machines, withDeadlines || isListless === true));
  const creating = entries.filter(({ status }) => status === 'Creating').map(({ placeSk }) => placeSk);
  const isCreating = new Set(creating);
  const isAccepted = new Set(entries.flatMap(({ placeSk, backendId }) => (backendId ? [placeSk] : [])));
  const pending = Object.entries(holders).filter(([id]) => !isAccepted.has(id));
  const since = (ms: number) => pending.filter(([, startMs]) => startMs + ms < seenAtMs).map(([id]) => id);
  const isAbandoned = new Set(since(UNCLAIMED_SLOT_MS));
  const strangers = Object.entries(holders).filter(([id]) => !isCreating.has(id) || isAbandoned.has(id));
  const { left, gone, isRemoving } = await actOn(context, place, opened, {
    suspectIds: suspects.map(({ placeSk }) => placeSk),
    strangers: Object.fromEntries(strangers),
    holders,
    machines,
    seenAtMs,
    asked,
  });
  if (withDeadlines) await takeBackUnclaimed(context, place, opened, withoutEntry(seen, entries), seenAtMs);
  if (gone.length > 0 && Object.keys(state?.closed ?? {}).length > 0)
    await reopenQuotas(context.store, governed(place, opened));
  await returnBudget(context.store, governed(place, opened), gone);
  const live = entries.filter(({ placeSk }) => !gone.includes(placeSk));
  if (isWhole) await countForBudget(context, place, opened, live, seenAtMs);
  const runs = new Set(
    [...machines].flatMap(([id, ofId]) => (ofId.some(({ status }) => status === 'Running') ? [id] : [])),
  );
  if (opened.limits.pacing === 'all-at-once' && state?.ranAtMs === undefined && runs.size > 0)
    await noteFirstRun(context.store, governed(place, opened));
  await holdOn(context, place, opened, holders, machines, seenAtMs);
  const boots = creating.filter((id) => runs.has(id) && id in holders);
  const hasLine = await serveLine(context, place, opened, new Set(since(STALLED_MS)));
  // Where the whole line has just been given slots, more launches of its fleets are on their way into it.
  const isWaitedFor = hasLine || (boots.length > 0 && (await hasNewHolders(context, place, holders)));
  const suspectIds = new Set(suspects.map(({ placeSk }) => placeSk));
  const quiet = entries.filter((entry) => isTransitional(entry.status) && !suspectIds.has(entry.placeSk));
  const startOf = (id: string) => holders[id] ?? seenAtMs;
  const startsMs = creating.filter((id) => !runs.has(id)).map(startOf);
  // Launches that were given slots, and have no record yet: by others, or just now those of the machines that run.
  const nowMs = context.store.clock.now();
  startsMs.push(...strangers.flatMap(([, startMs]) => (startMs + ABOUT_TO_CALL_MS > nowMs ? [startMs] : [])));
  if (boots.length > 0 && isWaitedFor) startsMs.push(nowMs);
  return {
    inTransition: quiet.length + left,
    isWaitedFor,
    isRemoving,
    startsMs,
    fastestMs: fastestOf(
      loop.fastestMs,
      boots
        .map((id) => bootBetween(startOf(id), loop.lookedAtMs ?? 0, seenAtMs))
        .filter((ms) => ms !== undefined),
    ),
  };
}

/** Whether launches hold slots that others held when this look began. */
async function hasNewHolders({ store }: WorkerContext, place: PlaceRef, known: Holders): Promise<boolean> {
  const state = await readPlaceState(store, place);
  return Object.keys(heldNow(state?.holders ?? {}, store.clock.now())).some((id) => !(id in known));
}

function withoutEntry(seen: readonly CloudInstance[], entries: readonly PlaceEntry[]): CloudInstance[] {
  const known = new Set(entries.map(({ placeSk }) => placeSk));
  return seen.filter(({ instanceId }) => instanceId !== undefined && !known.has(instanceId));
}

/** What takes long to be created keeps its slot for as long as it does. */
async function holdOn(
  { store }: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  holders: Holders,
  machines: ReadonlyMap<string, readonly CloudInstance[]>,
  seenAtMs: number,
): Promise<void> {
  const renewed = Object.entries(holders).filter(
    ([id, sinceMs]) =>
      sinceMs + RENEW_SLOT_MS < seenAtMs && machines.get(id)?.some(({ status }) => status === 'Creating'),
  );
  if (renewed.length === 0) return;
  await permitCreates(store, governed(place, opened), [], { renewed: Object.fromEntries(renewed) });
}

function isSuspect(
  entry: PlaceEntry,
  machines: ReadonlyMap<string, readonly CloudInstance[]>,
  withDeadlines: boolean,
): boolean {
  if (withDeadlines && entry.status === 'Creating') return true;
  return !agrees(entry, machineOf(entry, machines.get(entry.placeSk) ?? []));
}
