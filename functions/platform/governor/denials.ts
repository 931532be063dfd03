import type { Failure } from '../../model/failure.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { PROBE_MS } from './probes.ts';
import { type Denial, denialScope, type SiteState } from './site-state.ts';

/** Result of the check of one launch against the denials of its site. */
export type DenialCheck =
  | { kind: 'none'; isProbe: boolean }
  | { kind: 'for-now'; why: 'denied' }
  | { kind: 'permanent'; failure: Failure };

/** Time after the first denial in which no launch asks the cloud, in ms. Each further denial doubles the time. */
const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 30 * 60_000;
/** A denial is forgotten this long after its `retryAtMs`. */
export const DENIAL_FORGOTTEN_MS = 3_600_000;
/** Maximum number of denied instance types and markets of a site. The site's state is one small item. */
const MOST_TYPES = 20;
/** Maximum number of fleets that a denial remembers. */
const MOST_FLEETS = 50;
const MOST_WORDS = 300;
const FIRST_ROUND = 1;

/**
 * Checks a launch against the cloud's denials of its instance type and market. A denial may come from a policy about the
 * type or the market, or from a region that is closed to the account. Each type therefore asks the cloud once in a market.
 *
 * A launch becomes the probe if the denial is old enough, or if a user has asked for another round of its fleet. The
 * probe is recorded in `state`, which is changed in place.
 */
export function checkDenials(state: SiteState, wanted: WantedCreate, nowMs: number): DenialCheck {
  const denial = denialOf(state, wanted, nowMs);
  if (!denial) return { kind: 'none', isProbe: false };
  const failure = { code: 'Forbidden', message: denial.message };
  if (denial.probe !== undefined && denial.probe.untilMs > nowMs) {
    if (denial.probe.instanceId === wanted.instanceId) return { kind: 'none', isProbe: true };
    return wanted.mayGoElsewhere || wanted.mayChangeType
      ? { kind: 'permanent', failure: { ...failure, wouldWait: true } }
      : { kind: 'for-now', why: 'denied' };
  }
  const isWish = wanted.round > (denial.askedIn[wanted.fleetId] ?? FIRST_ROUND);
  if (nowMs < denial.retryAtMs && !isWish) return { kind: 'permanent', failure };
  const probe = { instanceId: wanted.instanceId, untilMs: nowMs + PROBE_MS };
  state.denied = { ...state.denied, [denialScope(wanted)]: { ...asked(denial, wanted), probe } };
  return { kind: 'none', isProbe: true };
}

/** Records that the cloud denied a create call. Denials of calls that went out together count once. */
export function denied(state: SiteState, wanted: WantedCreate, message: string, nowMs: number): SiteState {
  const known = denialOf(state, wanted, nowMs);
  const isFurther = known && (known.probe?.instanceId === wanted.instanceId || nowMs >= known.retryAtMs);
  const delayMs = isFurther
    ? Math.min(LONGEST_RETRY_MS, 2 * known.delayMs)
    : (known?.delayMs ?? FIRST_RETRY_MS);
  const { probe: earlier, ...rest } = known ?? { askedIn: {} };
  const isProbed = earlier !== undefined && earlier.instanceId !== wanted.instanceId;
  const denial: Denial = {
    ...asked({ ...rest, message: '', sinceMs: 0, retryAtMs: 0, delayMs }, wanted),
    message: message.slice(0, MOST_WORDS),
    sinceMs: known?.sinceMs ?? nowMs,
    retryAtMs: known && !isFurther ? known.retryAtMs : nowMs + delayMs,
    ...(isProbed ? { probe: earlier } : {}),
  };
  const { [denialScope(wanted)]: _earlier, ...others } = state.denied ?? {};
  const kept = Object.entries(others).slice(1 - MOST_TYPES);
  return { ...state, denied: { ...Object.fromEntries(kept), [denialScope(wanted)]: denial } };
}

/** Returns the denials without the denial of an instance type of which the cloud has accepted a create. */
export function withoutDenial(
  { denied = {} }: SiteState,
  wanted: WantedCreate,
): NonNullable<SiteState['denied']> {
  const { [denialScope(wanted)]: _over, ...rest } = denied;
  return rest;
}

function denialOf({ denied }: SiteState, wanted: WantedCreate, nowMs: number): Denial | undefined {
  const denial = denied?.[denialScope(wanted)];
  return denial && denial.retryAtMs + DENIAL_FORGOTTEN_MS >= nowMs ? denial : undefined;
}

function asked(denial: Denial, { fleetId, round }: WantedCreate): Denial {
  const { [fleetId]: _earlier, ...others } = denial.askedIn;
  const kept = Object.entries(others).slice(1 - MOST_FLEETS);
  return { ...denial, askedIn: { ...Object.fromEntries(kept), [fleetId]: round } };
}
