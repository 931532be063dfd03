import type { Store } from '../store/store.ts';
import { updateVersioned } from '../store/versioned.ts';
import { applyFeedback, type Feedback } from './blocks.ts';
import { noteAccepted, type RateLimit, scheduleCalls, slowCalls, type Throttle } from './rate.ts';
import { createRateLimit } from './rate-limits.ts';
import { createKey, type GovernedSite, type SiteKey } from './site.ts';
import { deniedOf, IDLE_SITE, type SiteState, siteStateSchema } from './site-state.ts';

/** Time after its start time for which a call for several machines is remembered. */
const TOGETHER_KEPT_MS = 60_000;

/** A create call that the cloud throttled. The instance keeps its slot. */
export interface ThrottledCreate extends Omit<Throttle, 'toldMultiplier' | 'isCounted'> {
  instanceId: string;
  /** The same text for all instances of one call for several machines. Absent: the call was for one machine. */
  call?: string;
  /** Calls a second that the cloud says it accepts. */
  limitPerSecond?: number | undefined;
}

/**
 * Records the feedback of create calls about a site in one conditional write. Writes nothing if the state stays the
 * same.
 *
 * @returns the new start times by instance id, for the throttled calls and for the calls whose start time was still to
 *   come; empty if no call was throttled
 */
export async function recordFeedback(
  store: Store<'governor'>,
  site: GovernedSite,
  feedback: readonly Feedback[],
  throttled: readonly ThrottledCreate[],
): Promise<Map<string, number>> {
  const rateLimit = createRateLimit(site.limits);
  return await updateVersioned<SiteState, Map<string, number>>(
    store,
    createKey(site),
    siteStateSchema,
    (current = IDLE_SITE) => {
      const nowMs = store.clock.now();
      const told = feedback.reduce((known, one) => applyFeedback(known, one, nowMs), current);
      const updated = feedback.some(({ kind }) => kind === 'accepted') ? noteAccepted(told) : told;
      if (throttled.length === 0)
        return { state: updated === current ? undefined : updated, answer: new Map<string, number>() };
      const slowed = throttled.reduce(
        (known, { limitPerSecond, calledAtMs, retryAfterMs }) =>
          slowCalls(known, nowMs, {
            calledAtMs,
            retryAfterMs,
            isCounted: true,
            toldMultiplier: limitPerSecond === undefined ? undefined : limitPerSecond / rateLimit.perSecond,
          }),
        updated,
      );
      return retime(slowed, rateLimit, nowMs, throttled);
    },
  );
}

/**
 * Gives new start times at the lowered rate to the throttled calls, and to the calls whose start time is still to come.
 * The new times are stored with the slots. A launch that asks the governor at its old start time gets the new start
 * time.
 */
function retime(
  state: SiteState,
  rateLimit: RateLimit,
  nowMs: number,
  throttled: readonly ThrottledCreate[],
): { state: SiteState; answer: Map<string, number> } {
  const again = throttled.map(({ instanceId }) => instanceId);
  const due = Object.entries(state.holders)
    .filter(([id, startMs]) => startMs > nowMs && !again.includes(id))
    .sort(([, one], [, other]) => one - other)
    .map(([id]) => id);
  const ids = [...again, ...due];
  const calls = scheduleCalls({ ...state, nextDueMs: nowMs }, rateLimit, nowMs, ids.length);
  const starts = new Map(ids.map((id, at) => [id, calls.startsMs[at] ?? nowMs]));
  const together = joinCalls(starts, throttled);
  const holders = Object.fromEntries(
    Object.entries(state.holders).map(([id, startMs]) => [id, starts.get(id) ?? startMs]),
  );
  const known = state.together?.filter((startMs) => startMs + TOGETHER_KEPT_MS > nowMs) ?? [];
  return { state: { ...state, ...calls.state, holders, together: [...known, ...together] }, answer: starts };
}

/**
 * Gives the machines of one throttled call the same start time: the last of theirs. They then share a call again, with
 * the same idempotency key. Changes `starts`.
 *
 * @returns the start times of the calls for several machines
 */
function joinCalls(starts: Map<string, number>, throttled: readonly ThrottledCreate[]): number[] {
  const calls = Map.groupBy(
    throttled.filter(({ call }) => call !== undefined),
    ({ call }) => call,
  );
  return [...calls.values()].map((machines) => {
    const ids = machines.map(({ instanceId }) => instanceId);
    // Holders are stored with whole milliseconds.
    const startMs = Math.ceil(Math.max(...ids.map((id) => starts.get(id) ?? 0)));
    for (const id of ids) starts.set(id, startMs);
    return startMs;
  });
}

/**
 * Records the time at which an instance first ran at a site. With the pacing `all-at-once`, the governor permits only
 * one create at a time before that.
 */
export async function noteFirstRun(store: Store<'governor'>, site: GovernedSite): Promise<void> {
  await updateVersioned<SiteState, void>(store, createKey(site), siteStateSchema, (current) => ({
    state: current && current.ranAtMs === undefined ? { ...current, ranAtMs: store.clock.now() } : undefined,
    answer: undefined,
  }));
}

/**
 * Forgets what the cloud denied at a site, so that launches ask the cloud again. Callers do this after a user has said
 * that a right was given or a region was enabled.
 *
 * @returns the instance types that were denied
 */
export async function reopenDenials(store: Store<'governor'>, site: SiteKey): Promise<string[]> {
  return await updateVersioned<SiteState, string[]>(store, createKey(site), siteStateSchema, (current) => {
    const types = [...new Set(Object.keys(current?.denied ?? {}).map((key) => deniedOf(key).instanceType))];
    if (!current || types.length === 0) return { state: undefined, answer: [] };
    const { denied: _open, ...rest } = current;
    return { state: rest, answer: types };
  });
}

/**
 * Forgets which families of instance types had no quota left at a site, so that launches ask the cloud again. Callers
 * do this after an instance was removed, or after a user has said that a quota was raised.
 *
 * @returns the families that were forgotten
 */
export async function reopenQuotas(store: Store<'governor'>, site: SiteKey): Promise<string[]> {
  return await updateVersioned<SiteState, string[]>(store, createKey(site), siteStateSchema, (current) => {
    const families = Object.keys(current?.closed ?? {});
    if (!current || families.length === 0) return { state: undefined, answer: [] };
    const { closed: _open, ...rest } = current;
    return { state: rest, answer: families };
  });
}
