import type { Failure } from '../../model/failure.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { capacityScope, familyOf, type PlaceState } from './place-state.ts';

/** Why a launch waits for its turn. */
export type WaitReason =
  /** All slots of the location are taken, or all location slots of the connection. */
  | 'slots'
  | 'locations'
  /** Its call would go out only after what a permit may be given for. */
  | 'rate'
  /** Somebody finds out whether there is capacity or quota again, or whether the location is back. */
  | 'capacity'
  | 'quota'
  | 'outage'
  | 'first-instance'
  /** It has its permit, and the worker that gave it is sending the launch. */
  | 'sent'
  /** Creates of this minute or day. */
  | 'budget';

/** What stands in the way of a launch, if anything; `probe`: it goes out alone to find out. */
export type Barrier =
  | { stands: 'nothing'; isProbe: boolean }
  | { stands: 'for-now'; why: WaitReason }
  | { stands: 'for-good'; failure: Failure };

const CLEAR: Barrier = { stands: 'nothing', isProbe: false };
const PROBE: Barrier = { stands: 'nothing', isProbe: true };

/** How long a lack of capacity is believed; clouds get new capacity by the minute, and a probe costs one call. */
const SCARCE_MS = 300_000;
/** A probe whose worker died is not waited for any longer. */
const PROBE_MS = 120_000;
/** Nobody has asked for so long: what was known is worth nothing. */
export const FORGOTTEN_MS = 3_600_000;
const QUOTA_RETRY_MS = 60_000;
/** So many refusals in a row are an outage, and not a hiccup. */
export const OUTAGE_FAILURES = 5;
const FIRST_PROBE_MS = 2_000;
/** Well within the time after which launches give up: who has to wait for an outage learns of its end. */
const MAX_PROBE_MS = 30_000;
/** Launches leave a location that is down for as long, where they can; the others give up after the longer time. */
const LEAVE_MS = 30_000;
const GIVE_UP_MS = 120_000;

/**
 * Looks whether a launch may go out at all, quota by quota, outage by outage, capacity by capacity. Whoever is let
 * through as a probe is written into `state`, which is changed.
 */
export function barrierOf(state: PlaceState, wanted: WantedCreate, nowMs: number): Barrier {
  const steps = [quotaBarrier, outageBarrier, capacityBarrier];
  // Who is let through by one and kept back by another probes nothing.
  const draft = { ...state };
  let isProbe = false;
  for (const step of steps) {
    const barrier = step(draft, wanted, nowMs);
    if (barrier.stands !== 'nothing') return barrier;
    isProbe ||= barrier.isProbe;
  }
  Object.assign(state, draft);
  return isProbe ? PROBE : CLEAR;
}

function quotaBarrier(state: PlaceState, wanted: WantedCreate, nowMs: number): Barrier {
  const family = familyOf(wanted.instanceType);
  const closed = state.closed?.[family];
  if (!closed || closed.sinceMs + FORGOTTEN_MS < nowMs) return CLEAR;
  if (closed.probe !== undefined && closed.probe.untilMs > nowMs) {
    return closed.probe.instanceId === wanted.instanceId ? PROBE : { stands: 'for-now', why: 'quota' };
  }
  const asked = closed.askedIn[wanted.fleetId];
  const isWish = asked !== undefined && asked < wanted.round;
  if (nowMs < closed.retryAtMs && !isWish) {
    return { stands: 'for-good', failure: { code: 'QuotaExceeded', message: closed.message } };
  }
  state.closed = {
    ...state.closed,
    [family]: {
      ...closed,
      retryAtMs: nowMs + QUOTA_RETRY_MS,
      askedIn: { ...closed.askedIn, [wanted.fleetId]: wanted.round },
      probe: { instanceId: wanted.instanceId, untilMs: nowMs + PROBE_MS },
    },
  };
  return PROBE;
}

function outageBarrier(state: PlaceState, wanted: WantedCreate, nowMs: number): Barrier {
  const { outage } = state;
  if (!outage || outage.failures < OUTAGE_FAILURES) return CLEAR;
  if (outage.probeId === wanted.instanceId) return PROBE;
  if (nowMs >= outage.probeAtMs) {
    const probeAtMs = nowMs + probeIntervalMs(outage.failures);
    state.outage = { ...outage, probeAtMs, probeId: wanted.instanceId };
    return PROBE;
  }
  const waitedMs = nowMs - (wanted.waitsSinceMs ?? nowMs);
  if (waitedMs >= GIVE_UP_MS || (waitedMs >= LEAVE_MS && wanted.mayGoElsewhere)) {
    const message = `the location has taken no request since ${new Date(outage.sinceMs).toISOString()}`;
    return { stands: 'for-good', failure: { code: 'Unavailable', message } };
  }
  return { stands: 'for-now', why: 'outage' };
}

const probeIntervalMs = (failures: number): number =>
  Math.min(MAX_PROBE_MS, FIRST_PROBE_MS * 2 ** Math.max(0, failures - OUTAGE_FAILURES));

function capacityBarrier(state: PlaceState, wanted: WantedCreate, nowMs: number): Barrier {
  const scope = capacityScope(wanted);
  const scarce = state.scarce?.[scope];
  if (!scarce || scarce.untilMs + FORGOTTEN_MS < nowMs) return CLEAR;
  const isProbed = scarce.probe !== undefined && scarce.probe.untilMs > nowMs;
  if (wanted.mayGoElsewhere && (isProbed || nowMs < scarce.untilMs)) {
    const message = `no ${wanted.instanceType} was left at ${new Date(scarce.sinceMs).toISOString()}`;
    return { stands: 'for-good', failure: { code: 'InsufficientCapacity', message } };
  }
  if (isProbed && scarce.probe?.instanceId !== wanted.instanceId)
    return { stands: 'for-now', why: 'capacity' };
  const probe = { instanceId: wanted.instanceId, untilMs: nowMs + PROBE_MS };
  state.scarce = { ...state.scarce, [scope]: { ...scarce, probe } };
  return PROBE;
}

/** What a create call taught about a place. */
export type Lesson =
  | { learnt: 'accepted'; wanted: WantedCreate }
  | { learnt: 'unavailable' }
  | { learnt: 'no-capacity'; wanted: WantedCreate }
  | { learnt: 'no-quota'; wanted: WantedCreate; message: string };

/** @returns the state with what was learnt; the same object where that is nothing new */
export function learn(state: PlaceState, lesson: Lesson, nowMs: number): PlaceState {
  switch (lesson.learnt) {
    case 'accepted':
      return accepted(state, lesson.wanted);
    case 'unavailable': {
      const failures = (state.outage?.failures ?? 0) + 1;
      const sinceMs = state.outage?.sinceMs ?? nowMs;
      return { ...state, outage: { failures, sinceMs, probeAtMs: nowMs + probeIntervalMs(failures) } };
    }
    case 'no-capacity': {
      const scope = capacityScope(lesson.wanted);
      const sinceMs = state.scarce?.[scope]?.sinceMs ?? nowMs;
      return { ...state, scarce: { ...state.scarce, [scope]: { sinceMs, untilMs: nowMs + SCARCE_MS } } };
    }
    case 'no-quota': {
      const { wanted, message } = lesson;
      const family = familyOf(wanted.instanceType);
      const known = state.closed?.[family];
      const closed = {
        message: message.slice(0, 300),
        sinceMs: known?.sinceMs ?? nowMs,
        retryAtMs: nowMs + QUOTA_RETRY_MS,
        askedIn: { ...known?.askedIn, [wanted.fleetId]: wanted.round },
      };
      return { ...state, closed: { ...state.closed, [family]: closed } };
    }
  }
}

function accepted(state: PlaceState, wanted: WantedCreate): PlaceState {
  const scope = capacityScope(wanted);
  const family = familyOf(wanted.instanceType);
  if (!state.outage && !state.scarce?.[scope] && !state.closed?.[family]) return state;
  const { outage: _over, ...rest } = state;
  const { [scope]: _enough, ...scarce } = state.scarce ?? {};
  const { [family]: _open, ...closed } = state.closed ?? {};
  return { ...rest, scarce, closed };
}

/** Whether anything is known that a create call which succeeds disproves. */
export function isBarred({ outage, scarce, closed }: PlaceState): boolean {
  return outage !== undefined || Object.keys({ ...scarce, ...closed }).length > 0;
}
