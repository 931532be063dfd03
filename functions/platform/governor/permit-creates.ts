import type { WantedCreate } from '../../model/wanted-create.ts';
import type { Store } from '../store/store.ts';
import { readKnown, updateVersioned } from '../store/versioned.ts';
import { isBlocked } from './blocks.ts';
import { awaitsCreate } from './create-meters.ts';
import { type CreateDecision, decideCreates } from './decide-creates.ts';
import { forgetHold, freeLocation, holdLocation, holdOf, type LocationHold } from './hold-location.ts';
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
}

interface Written extends CreateAnswer {
  /** True if no instance holds a slot of the site. */
  isIdle: boolean;
  /** Number of the site's hold of a location slot, as it was written with the slots; see `holdLocation`. */
  locationHold?: number;
}

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
 */
export async function permitCreates(
  store: Store<'governor'>,
  site: GovernedSite,
  wanted: readonly WantedCreate[],
  transfer: SlotTransfer = {},
): Promise<CreateAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await permitOnce(store, site, wanted, transfer);
    // Another attempt helps only if another worker changed the location slot. It does not help if no location slot is
    // free.
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
      decidedAtMs: store.clock.now(),
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
      // Another worker gave the site's last slot back after the hold was read. That worker also gives the location slot
      // back.
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
    // The site has lost its location slot: before this write, another worker took a later hold for the site and gave it
    // back. The slots that this write gave stay, because another worker may have created a machine for the same launch
    // under them. The next launch at this site takes a location slot again.
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
      turn: nextTurn,
      decidedAtMs: nowMs,
      isBlocked: isBlocked(next) || awaitsCreate(next),
      lostRace: false,
      isIdle,
      locationHold,
    },
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
  };
}

const laterBy = (ms: number, nowMs: number): CreateDecision => ({
  action: 'scheduleAt',
  startMs: nowMs + ms,
});

const all = (wanted: readonly WantedCreate[], decision: CreateDecision): Map<string, CreateDecision> =>
  new Map(wanted.map(({ instanceId }) => [instanceId, decision]));
