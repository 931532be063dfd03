import type { WantedCreate } from '../../model/wanted-create.ts';
import type { Store } from '../store/store.ts';
import { readKnown, updateVersioned } from '../store/versioned.ts';
import { isAwaited } from './awaited-calls.ts';
import { isBlocked } from './blocks.ts';
import { awaitsCreate, nextCreateMs } from './create-meters.ts';
import { type CreateDecision, decideCreates } from './decide-creates.ts';
import { forgetHold, freeLocation, holdLocation, holdOf, type LocationHold } from './hold-location.ts';
import { isNow } from './rate.ts';
import { createRatesOf } from './rate-limits.ts';
import { createKey, type GovernedSite } from './site.ts';
import { IDLE_SITE, type SiteState, siteStateSchema } from './site-state.ts';
import { type Holders, heldNow, type ReleasedSlot, withoutReleased, withRenewed } from './slots.ts';
import { withinBudget } from './within-budget.ts';

/** Time after which a launch asks again if another worker changed the site's location slot at the same time. */
const RACE_RETRY_MS = 1_000;
/**
 * Maximum number of attempts while other workers change the site's location slot. After the last attempt, the launch
 * waits for `RACE_RETRY_MS`.
 */
const RACE_TRIES = 3;

export interface CreateAnswer {
  decisions: Map<string, CreateDecision>;
  /**
   * Tag (place in the queue's order) of the last launch that was served from the site's launch queue; see
   * `store/launch-queue.ts`.
   */
  turn: number;
  /** Time at which the permits were given, in ms since 1970. Calls that may go out were counted at this time. */
  decidedAtMs: number;
  /** True if a successful create would clear a block of the site; see `recordFeedback`. */
  isBlocked: boolean;
  /**
   * True if nothing was written. Either another worker changed the site's location slot at the same time, or slots were
   * to be given back and all location slots of the connection are taken.
   */
  lostRace: boolean;
  /** Ids of the instances to which this decision gave a new permit, because no earlier permit was still valid. */
  given: string[];
  /** Slots that this decision gave, each with the start time of its permit. */
  newcomers: ReleasedSlot[];
  /** Launches of the launch queue that a call takes along, because it goes out now. */
  along: WantedCreate[];
}

interface Written extends CreateAnswer {
  /** True if no instance holds a slot of the site. */
  isIdle: boolean;
  /** Number of the site's hold of a location slot, as it was written with the slots; see `holdLocation`. */
  locationHold?: number;
  /** True if nothing was written, because launches wait for a call that goes out now, and were not read. */
  isToTakeAlong?: true;
}

/**
 * Reads the launches of the site's queue that wait for an alike call.
 *
 * @param keys keys of these calls (`WantedCreate.call.shared`)
 */
export type ReadWaiting = (keys: ReadonlySet<string>) => Promise<WantedCreate[]>;

/** Changes of slots that are made in the same write as the permits. */
export interface SlotTransfer {
  /** Slots that are given back before the permits are given. */
  released?: readonly ReleasedSlot[];
  /**
   * Slot holders that a poll still saw in Creating, each with the start time that the poll read. Their slots are
   * renewed.
   */
  renewed?: Holders;
  /** Tag of the last of the wanted launches, if they come from the launch queue. */
  turn?: number;
}

/**
 * Gives create permits to as many of the instances as possible. A permit consists of a slot of the site, a location
 * slot of the connection and a start time for the call. The location slot is taken first. One conditional write then
 * gives all slots and start times. A launch that is queued does not ask again; see `serveEntries`.
 *
 * @param readWaiting called if launches wait in the queue for a call that goes out now. Absent: no call takes such
 *   launches along
 */
export async function permitCreates(
  store: Store<'governor'>,
  site: GovernedSite,
  wanted: readonly WantedCreate[],
  transfer: SlotTransfer = {},
  readWaiting?: ReadWaiting,
): Promise<CreateAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const isLast = attempt === RACE_TRIES;
    const answer = await permitOnce(store, site, wanted, transfer, { readWaiting, isLast });
    if (answer === 'again') continue;
    // Another attempt helps only if another worker changed the location slot. It does not help if no location slot is
    // free.
    const isAgain =
      answer.lostRace && [...answer.decisions.values()].some(({ action }) => action === 'scheduleAt');
    if (!isAgain || isLast) return answer;
  }
}

async function permitOnce(
  store: Store<'governor'>,
  site: GovernedSite,
  wanted: readonly WantedCreate[],
  transfer: SlotTransfer,
  { readWaiting, isLast }: { readWaiting: ReadWaiting | undefined; isLast: boolean },
): Promise<CreateAnswer | 'again'> {
  const { released = [], turn } = transfer;
  const known = await readKnown(store, createKey(site), siteStateSchema);
  const hold = await holdLocation(store, site, known);
  const keys = readWaiting ? awaitedKeys(known.state, site, store.clock.now(), wanted) : new Set<string>();
  const waiting = readWaiting && keys.size > 0 ? await readWaiting(keys) : [];
  if (hold === undefined) {
    const decisions = all(wanted, { action: 'queue', why: 'locations' });
    return {
      decisions,
      turn: turn ?? 0,
      decidedAtMs: store.clock.now(),
      isBlocked: false,
      lostRace: released.length > 0,
      given: [],
      newcomers: [],
      along: [],
    };
  }
  const answer = await updateVersioned<SiteState, Written>(
    store,
    createKey(site),
    siteStateSchema,
    (current = IDLE_SITE) => {
      // Another worker gave the site's last slot back after the hold was read. That worker also gives the location slot
      // back.
      if (!hold.isNew && current.locationHold !== hold.number) {
        const answer = { ...raceLost(wanted, current, store.clock.now()), isIdle: false };
        return { state: undefined, answer };
      }
      const decided = decideUnder(hold, site, current, store.clock.now(), wanted, transfer, waiting);
      // Another worker has queued a launch after the item was read. Its entry may be there by now.
      const isMissed = [...decided.going].some(
        (key) => !keys.has(key) && isAwaited(current.awaited ?? {}, key),
      );
      if (readWaiting && isMissed && !isLast)
        return { state: undefined, answer: { ...decided.answer, isToTakeAlong: true } };
      return decided;
    },
    hold.isNew ? undefined : known,
  );
  const { isIdle, locationHold, isToTakeAlong, ...said } = answer;
  if (isToTakeAlong) return 'again';
  if (isIdle) await freeLocation(store, site, hold.number);
  if (hold.isNew && !isIdle && (await holdOf(store, site)) === undefined) {
    // The site has lost its location slot: before this write, another worker took a later hold for the site and gave it
    // back. The slots that this write gave stay, because another worker may have created a machine for the same launch
    // under them. The next launch at this site takes a location slot again.
    await forgetHold(store, site, locationHold);
    return {
      ...said,
      given: [],
      newcomers: [],
      along: [],
      decisions: all(wanted, laterBy(RACE_RETRY_MS, store.clock.now())),
    };
  }
  return await withinBudget(store, site, [...wanted, ...said.along], said);
}

/** Returns the keys of the calls of these launches for which others wait, if they may go out now. */
function awaitedKeys(
  state: SiteState | undefined,
  { limits }: GovernedSite,
  nowMs: number,
  wanted: readonly WantedCreate[],
): Set<string> {
  const { awaited, holders = {} } = state ?? {};
  if (!state || !awaited) return new Set();
  const mayGo = ({ instanceId, instanceType }: WantedCreate) =>
    isNow(holders[instanceId] ?? Number.POSITIVE_INFINITY, nowMs) ||
    isNow(nextCreateMs(state, createRatesOf(limits, instanceType), nowMs), nowMs);
  return new Set(
    wanted.flatMap((one) => {
      const key = one.call?.shared?.key;
      return key !== undefined && isAwaited(awaited, key) && mayGo(one) ? [key] : [];
    }),
  );
}

function decideUnder(
  hold: LocationHold,
  { limits }: GovernedSite,
  current: SiteState,
  nowMs: number,
  wanted: readonly WantedCreate[],
  { released = [], renewed = {}, turn }: SlotTransfer,
  waiting: readonly WantedCreate[],
): { state: SiteState | undefined; answer: Written; going: ReadonlySet<string> } {
  const kept = withoutReleased(current.holders, released);
  const isReleased = Object.keys(kept).length < Object.keys(current.holders).length;
  const holders = withRenewed(kept, renewed, nowMs);
  const free = { ...current, holders };
  const { decisions, given, newcomers, going, state } = decideCreates(free, limits, nowMs, wanted, {
    isFromQueue: turn !== undefined,
    isTransfer: isReleased,
    along: waiting,
  });
  const next = state ?? free;
  const isIdle = Object.keys(heldNow(next.holders, nowMs)).length === 0;
  // If two workers took the location slot for the site at the same time, the later hold is valid.
  const locationHold = Math.max(hold.number, current.locationHold ?? 0);
  const locationSinceMs = hold.isNew ? nowMs : current.locationSinceMs;
  const nextTurn = Math.max(current.turn ?? 0, turn ?? 0);
  const isChanged = state !== undefined || isReleased || holders !== kept || (hold.isNew && !isIdle);
  const { locationHold: _hold, locationSinceMs: _since, ...unheld } = next;
  const held = isIdle
    ? unheld
    : { ...unheld, locationHold, ...(locationSinceMs === undefined ? {} : { locationSinceMs }) };
  return {
    state: isChanged ? { ...held, turn: nextTurn } : undefined,
    answer: {
      decisions,
      given,
      newcomers,
      along: waiting.filter(({ instanceId }) => decisions.get(instanceId)?.action === 'allow'),
      turn: nextTurn,
      decidedAtMs: nowMs,
      isBlocked: isBlocked(next) || awaitsCreate(next),
      lostRace: false,
      isIdle,
      locationHold,
    },
    going,
  };
}

function raceLost(wanted: readonly WantedCreate[], { turn }: SiteState, nowMs: number): CreateAnswer {
  const decisions = all(wanted, laterBy(RACE_RETRY_MS, nowMs));
  return {
    decisions,
    turn: turn ?? 0,
    decidedAtMs: nowMs,
    isBlocked: false,
    lostRace: true,
    given: [],
    newcomers: [],
    along: [],
  };
}

const laterBy = (ms: number, nowMs: number): CreateDecision => ({
  action: 'scheduleAt',
  startMs: nowMs + ms,
});

const all = (wanted: readonly WantedCreate[], decision: CreateDecision): Map<string, CreateDecision> =>
  new Map(wanted.map(({ instanceId }) => [instanceId, decision]));
