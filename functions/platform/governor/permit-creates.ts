import type { WantedCreate } from '../../model/wanted-create.ts';
import type { Store } from '../store/client.ts';
import { readKnown, updateVersioned } from '../store/versioned.ts';
import { isBarred } from './barriers.ts';
import { decideCreates, type Verdict } from './decide-creates.ts';
import { forgetHold, freeLocation, holdLocation, holdOf, type LocationHold } from './hold-location.ts';
import { createKey, type GovernedPlace } from './place.ts';
import { IDLE_PLACE, type PlaceState, placeStateSchema } from './place-state.ts';
import { type Holders, heldNow, type ReleasedSlot, withoutReleased, withRenewed } from './slots.ts';
import { withinBudget } from './within-budget.ts';

/** Somebody else was faster: the next attempt will see what they did. */
const RACE_RETRY_MS = 1_000;
/** Of reading the place again where the race for its location was lost: nothing was written then. */
const RACE_TRIES = 3;

export interface CreateAnswer {
  verdicts: Map<string, Verdict>;
  /** The place's turn among those that wait, see `store/waiting.ts`. */
  turn: number;
  /** Whether something is known of the place that a call which succeeds disproves: see `learnFromCreates`. */
  isBarred: boolean;
  /** The race for the location was lost: nothing was decided, and nobody's slot was given back. */
  lostRace: boolean;
  /** Those that were given a permit now, and had none. */
  given: string[];
  /** The slots of those of them that had none, each with the time of the permit that it was given by. */
  newcomers: ReleasedSlot[];
}

interface Written extends CreateAnswer {
  /** Nobody holds a slot of the place. */
  isIdle: boolean;
  /** The hold on the location that was written with the slots. */
  locationHold?: number;
}

/** Slots that change hands in the same write. */
export interface HandOver {
  /** Slots that are given back first. */
  released?: readonly ReleasedSlot[];
  /** Holders, as they were read, of which a look has seen that they are still being created: their slots are held on. */
  renewed?: Holders;
  /** The tag of the last of the wanted in the queue, when they come from there. */
  turn?: number;
}

/**
 * Permits to create: a slot of the place, a location slot of the connection and a time for the call, for as many of the
 * instances as there are. One conditional write for all of them, and none for those that have their permit already.
 * Whoever is told to wait need not ask again: see `serveWaiting`.
 */
export async function permitCreates(
  store: Store<'governor'>,
  place: GovernedPlace,
  wanted: readonly WantedCreate[],
  handOver: HandOver = {},
): Promise<CreateAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await permitOnce(store, place, wanted, handOver);
    // Where no location slot is left, another try would find none either.
    const isAgain = answer.lostRace && [...answer.verdicts.values()].some(({ say }) => say === 'later');
    if (!isAgain || attempt === RACE_TRIES) return answer;
  }
}

async function permitOnce(
  store: Store<'governor'>,
  place: GovernedPlace,
  wanted: readonly WantedCreate[],
  handOver: HandOver,
): Promise<CreateAnswer> {
  const { released = [], turn } = handOver;
  const known = await readKnown(store, createKey(place), placeStateSchema);
  const hold = await holdLocation(store, place, known);
  if (hold === undefined) {
    const verdicts = all(wanted, { say: 'wait', why: 'locations' });
    return {
      verdicts,
      turn: turn ?? 0,
      isBarred: false,
      lostRace: released.length > 0,
      given: [],
      newcomers: [],
    };
  }
  const answer = await updateVersioned<PlaceState, Written>(
    store,
    createKey(place),
    placeStateSchema,
    (current = IDLE_PLACE) => {
      // The last slot went back since the hold was read here, and the location with it, or soon.
      if (!hold.isNew && current.locationHold !== hold.number) {
        const answer = { ...raceLost(wanted, current, store.clock.now()), isIdle: false };
        return { state: undefined, answer };
      }
      return decideUnder(hold, place, current, store.clock.now(), wanted, handOver);
    },
    hold.isNew ? undefined : known,
  );
  const { isIdle, locationHold, ...said } = answer;
  if (isIdle) await freeLocation(store, place, hold.number);
  if (hold.isNew && !isIdle && (await holdOf(store, place)) === undefined) {
    // A hold after ours was given back before this write: the location may be another's by now. The slots stay, since
    // another worker with the same launch may have created under them; whoever asks next takes the location anew.
    await forgetHold(store, place, locationHold);
    return {
      ...said,
      given: [],
      newcomers: [],
      verdicts: all(wanted, laterBy(RACE_RETRY_MS, store.clock.now())),
    };
  }
  return await withinBudget(store, place, wanted, said);
}

function decideUnder(
  hold: LocationHold,
  { limits }: GovernedPlace,
  current: PlaceState,
  nowMs: number,
  wanted: readonly WantedCreate[],
  { released = [], renewed = {}, turn }: HandOver,
): { state: PlaceState | undefined; answer: Written } {
  const kept = withoutReleased(current.holders, released);
  const isReleased = Object.keys(kept).length < Object.keys(current.holders).length;
  const holders = withRenewed(kept, renewed, nowMs);
  const free = { ...current, holders };
  const { verdicts, given, newcomers, state } = decideCreates(
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
      verdicts,
      given,
      newcomers,
      turn: nextTurn,
      isBarred: isBarred(next),
      lostRace: false,
      isIdle,
      locationHold,
    },
  };
}

function raceLost(wanted: readonly WantedCreate[], { turn }: PlaceState, nowMs: number): CreateAnswer {
  const verdicts = all(wanted, laterBy(RACE_RETRY_MS, nowMs));
  return { verdicts, turn: turn ?? 0, isBarred: false, lostRace: true, given: [], newcomers: [] };
}

const laterBy = (ms: number, nowMs: number): Verdict => ({ say: 'later', startMs: nowMs + ms });

const all = (wanted: readonly WantedCreate[], verdict: Verdict): Map<string, Verdict> =>
  new Map(wanted.map(({ instanceId }) => [instanceId, verdict]));
