import type { WantedCreate } from '../../model/wanted-create.ts';
import type { Store } from '../store/store.ts';
import { readKnown, updateVersioned } from '../store/versioned.ts';
import { isBlocked } from './blocks.ts';
import { type CreateDecision, decideCreates } from './decide-creates.ts';
import { forgetHold, freeLocation, holdLocation, holdOf, type LocationHold } from './hold-location.ts';
import { createKey, type GovernedSite } from './site.ts';
import { IDLE_SITE, type SiteState, siteStateSchema } from './site-state.ts';
import { type Holders, heldNow, type ReleasedSlot, withoutReleased, withRenewed } from './slots.ts';
import { withinBudget } from './within-budget.ts';

/** Somebody else was faster: the next attempt will see what they did. */
const RACE_RETRY_MS = 1_000;
/** Of reading the site again where the race for its location was lost: nothing was written then. */
const RACE_TRIES = 3;

export interface CreateAnswer {
  decisions: Map<string, CreateDecision>;
  /** The site's turn in its launch queue, see `store/launch-queue.ts`. */
  turn: number;
  /** Whether the site has a block that a successful create would clear: see `recordFeedback`. */
  isBlocked: boolean;
  /** The race for the location was lost: nothing was decided, and nobody's slot was given back. */
  lostRace: boolean;
  /** Those that were given a permit now, and had none. */
  given: string[];
  /** The slots of those of them that had none, each with the time of the permit that it was given by. */
  newcomers: ReleasedSlot[];
}

interface Written extends CreateAnswer {
  /** Nobody holds a slot of the site. */
  isIdle: boolean;
  /** The hold on the location that was written with the slots. */
  locationHold?: number;
}

/** Slots that go from one holder to another in the same write. */
export interface SlotTransfer {
  /** Slots that are given back first. */
  released?: readonly ReleasedSlot[];
  /**
   * Holders, as they were read, of which a poll has seen that they are still being created: their slots are held on.
   */
  renewed?: Holders;
  /** The tag of the last of the wanted in the queue, when they come from there. */
  turn?: number;
}

/**
 * Permits to create: a slot of the site, a location slot of the connection and a time for the call, for as many of the
 * instances as there are. One conditional write for all of them, and none for those that have their permit already. A
 * launch that is queued need not ask again: see `serveEntries`.
 */
export async function permitCreates(
  store: Store<'governor'>,
  site: GovernedSite,
  wanted: readonly WantedCreate[],
  transfer: SlotTransfer = {},
): Promise<CreateAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await permitOnce(store, site, wanted, transfer);
    // Where no location slot is left, another try would find none either.
    const isAgain =
      answer.lostRace && [...answer.decisions.values()].some(({ action }) => action === 'scheduleAt');
    if (!isAgain || attempt === RACE_TRIES) return answer;
  }
}

async function permitOnce(
  store: Store<'governor'>,
  site: GovernedSite,
  wanted: readonly WantedCreate[],
  transfer: SlotTransfer,
): Promise<CreateAnswer> {
  const { released = [], turn } = transfer;
  const known = await readKnown(store, createKey(site), siteStateSchema);
  const hold = await holdLocation(store, site, known);
  if (hold === undefined) {
    const decisions = all(wanted, { action: 'queue', why: 'locations' });
    return {
      decisions,
      turn: turn ?? 0,
      isBlocked: false,
      lostRace: released.length > 0,
      given: [],
      newcomers: [],
    };
  }
  const answer = await updateVersioned<SiteState, Written>(
    store,
    createKey(site),
    siteStateSchema,
    (current = IDLE_SITE) => {
      // The last slot went back since the hold was read here, and the location with it, or soon.
      if (!hold.isNew && current.locationHold !== hold.number) {
        const answer = { ...raceLost(wanted, current, store.clock.now()), isIdle: false };
        return { state: undefined, answer };
      }
      return decideUnder(hold, site, current, store.clock.now(), wanted, transfer);
    },
    hold.isNew ? undefined : known,
  );
  const { isIdle, locationHold, ...said } = answer;
  if (isIdle) await freeLocation(store, site, hold.number);
  if (hold.isNew && !isIdle && (await holdOf(store, site)) === undefined) {
    // A hold after ours was given back before this write: the location may be another's by now. The slots stay, since
    // another worker with the same launch may have created under them; whoever asks next takes the location anew.
    await forgetHold(store, site, locationHold);
    return {
      ...said,
      given: [],
      newcomers: [],
      decisions: all(wanted, laterBy(RACE_RETRY_MS, store.clock.now())),
    };
  }
  return await withinBudget(store, site, wanted, said);
}

function decideUnder(
  hold: LocationHold,
  { limits }: GovernedSite,
  current: SiteState,
  nowMs: number,
  wanted: readonly WantedCreate[],
  { released = [], renewed = {}, turn }: SlotTransfer,
): { state: SiteState | undefined; answer: Written } {
  const kept = withoutReleased(current.holders, released);
  const isReleased = Object.keys(kept).length < Object.keys(current.holders).length;
  const holders = withRenewed(kept, renewed, nowMs);
  const free = { ...current, holders };
  const { decisions, given, newcomers, state } = decideCreates(
    free,
    limits,
    nowMs,
    wanted,
    turn !== undefined,
    isReleased,
  );
  const next = state ?? free;
  const isIdle = Object.keys(heldNow(next.holders, nowMs)).length === 0;
  // Of two workers that took the location at once, the later hold is the one that stands.
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
      turn: nextTurn,
      isBlocked: isBlocked(next),
      lostRace: false,
      isIdle,
      locationHold,
    },
  };
}

function raceLost(wanted: readonly WantedCreate[], { turn }: SiteState, nowMs: number): CreateAnswer {
  const decisions = all(wanted, laterBy(RACE_RETRY_MS, nowMs));
  return { decisions, turn: turn ?? 0, isBlocked: false, lostRace: true, given: [], newcomers: [] };
}

const laterBy = (ms: number, nowMs: number): CreateDecision => ({
  action: 'scheduleAt',
  startMs: nowMs + ms,
});

const all = (wanted: readonly WantedCreate[], decision: CreateDecision): Map<string, CreateDecision> =>
  new Map(wanted.map(({ instanceId }) => [instanceId, decision]));
