import type { Store } from '../store/store.ts';
import { updateVersioned } from '../store/versioned.ts';
import { applyFeedback, type Feedback } from './blocks.ts';
import {
  type CreateThrottle,
  type MeterName,
  noteCreate,
  scheduleShared,
  slowCreates,
} from './create-meters.ts';
import { type CreateRates, createRates } from './rate-limits.ts';
import { createKey, type GovernedSite, type SiteKey } from './site.ts';
import { deniedOf, IDLE_SITE, type SiteState, siteStateSchema } from './site-state.ts';

/** Time after its start time for which a call for several machines is remembered. */
const TOGETHER_KEPT_MS = 60_000;

/** A create call that the cloud throttled. The instance keeps its slot. */
export interface ThrottledCreate extends Omit<CreateThrottle, 'meter' | 'isCounted'> {
  instanceId: string;
  /** The same text for all instances of one call for several machines. Absent: the call was for one machine. */
  call?: string;
  /** The meter that refused the call, if the cloud names it. */
  meter?: MeterName | undefined;
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
  const rates = createRates(site.limits);
  return await updateVersioned<SiteState, Map<string, number>>(
    store,
    createKey(site),
    siteStateSchema,
    (current = IDLE_SITE) => {
      const nowMs = store.clock.now();
      const told = feedback.reduce((known, one) => applyFeedback(known, one, nowMs), current);
      const updated = feedback.some(({ kind }) => kind === 'accepted') ? noteCreate(told) : told;
      if (throttled.length === 0)
        return { state: updated === current ? undefined : updated, answer: new Map<string, number>() };
      const slowed = throttled.reduce(
        (known, { meter = 'unknown', limitPerSecond, calledAtMs, retryAfterMs }) =>
          slowCreates(known, rates, nowMs, {
            meter,
            calledAtMs,
            retryAfterMs,
            isCounted: true,
            limitPerSecond,
          }),
        updated,
      );
      return retime(slowed, rates, nowMs, throttled);
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
  rates: CreateRates,
  nowMs: number,
  throttled: readonly ThrottledCreate[],
): { state: SiteState; answer: Map<string, number> } {
  const again = throttled.map(({ instanceId }) => instanceId);
  const due = Object.entries(state.holders)
    .filter(([id, startMs]) => startMs > nowMs && !again.includes(id))
    .sort(([, one], [, other]) => one - other);
  const starts = new Map<string, number>();
  const together: number[] = [];
  let known: SiteState = { ...state, nextDueMs: nowMs };
  if (state.machines) known = { ...known, machines: { ...state.machines, nextDueMs: nowMs } };
  for (const ids of [...callsOf(throttled), ...callsDue(due, rates)]) {
    const call = scheduleShared(known, rates, nowMs, ids.length);
    known = call.state;
    // Holders are stored with whole milliseconds.
    const startMs = ids.length > 1 ? Math.ceil(call.startMs) : call.startMs;
    for (const id of ids) starts.set(id, startMs);
    if (ids.length > 1 && again.includes(ids[0] ?? '')) together.push(startMs);
  }
  const holders = Object.fromEntries(
    Object.entries(state.holders).map(([id, startMs]) => [id, starts.get(id) ?? startMs]),
  );
  const kept = state.together?.filter((startMs) => startMs + TOGETHER_KEPT_MS > nowMs) ?? [];
  return { state: { ...known, holders, together: [...kept, ...together] }, answer: starts };
}

/**
 * Groups throttled launches by their calls. The machines of a throttled call get the same start time. They then share a
 * call again, with the same idempotency key.
 */
function callsOf(throttled: readonly ThrottledCreate[]): string[][] {
  const calls = Map.groupBy(throttled, ({ instanceId, call }) => call ?? `alone ${instanceId}`);
  return [...calls.values()].map((machines) => machines.map(({ instanceId }) => instanceId));
}

/**
 * Groups launches whose start time is still to come. If the cloud meters machines apart, launches with the same start
 * time may be one call. If they are not, the governor gives some of them a later start time when they ask again.
 */
function callsDue(due: readonly (readonly [string, number])[], { machines }: CreateRates): string[][] {
  if (!machines) return due.map(([id]) => [id]);
  return [...Map.groupBy(due, ([, startMs]) => startMs).values()].map((ones) => ones.map(([id]) => id));
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
