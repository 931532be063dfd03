import type { Rate } from '../model/limit-profile.ts';

/** One kind of call at one place: a virtual schedule (GCRA), equal to a token bucket with the profile's rate. */
export interface CallState {
  /** When the next call would be due if all went out evenly; never more than the burst ahead of now. */
  nextDueMs: number;
  /** The cloud throttled us: nothing goes out before this. */
  blockedUntilMs: number;
}

export const IDLE_CALLS: CallState = { nextDueMs: 0, blockedUntilMs: 0 };

export interface CallGrant {
  granted: number;
  /** When more may be asked for; 0 when all was granted. */
  retryAfterMs: number;
  state: CallState;
}

/**
 * Grants as many of `wanted` calls as may go out now.
 *
 * The cloud counts a call when it arrives, we when we permit it: a late one may stand closer to the next than we
 * believe. One call of the burst is kept back for that.
 */
export function grantCalls(state: CallState, rate: Rate, nowMs: number, wanted: number): CallGrant {
  if (state.blockedUntilMs > nowMs) {
    return { granted: 0, retryAfterMs: state.blockedUntilMs - nowMs, state };
  }
  const intervalMs = 1_000 / rate.perSecond;
  const aheadMs = Math.max(0, Math.floor(rate.burst) - 2) * intervalMs;
  let nextDueMs = Math.max(state.nextDueMs, nowMs);
  let granted = 0;
  while (granted < wanted && nextDueMs - nowMs <= aheadMs) {
    nextDueMs += intervalMs;
    granted += 1;
  }
  const retryAfterMs = granted === wanted ? 0 : nextDueMs - nowMs - aheadMs;
  return { granted, retryAfterMs, state: { ...state, nextDueMs } };
}

/** After a throttle: nothing goes out until the cloud's own time, or a second where it told none. */
export function blockCalls(state: CallState, nowMs: number, retryAfterMs: number | undefined): CallState {
  const untilMs = nowMs + Math.max(250, retryAfterMs ?? 1_000);
  return { ...state, blockedUntilMs: Math.max(state.blockedUntilMs, untilMs) };
}

/** Who holds a slot, and since when, in milliseconds. */
export type Holders = Readonly<Record<string, number>>;

/** A slot whose holder never came back is free after this: longer than any boot that is waited for. */
export const SLOT_LEASE_MS = 30 * 60_000;

export function heldNow(holders: Holders, nowMs: number): Record<string, number> {
  return Object.fromEntries(Object.entries(holders).filter(([, sinceMs]) => sinceMs + SLOT_LEASE_MS > nowMs));
}

/** Gives slots to `wanted`, in order, while there are any. Whoever holds one already keeps it. */
export function grantSlots(
  holders: Holders,
  slots: number,
  nowMs: number,
  wanted: readonly string[],
): { granted: string[]; holders: Record<string, number> } {
  const next = heldNow(holders, nowMs);
  const granted = wanted.filter((holder) => {
    if (next[holder] !== undefined) return true;
    if (Object.keys(next).length >= slots) return false;
    next[holder] = nowMs;
    return true;
  });
  return { granted, holders: next };
}
