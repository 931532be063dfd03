import type { GovernorReason } from '../../model/governor-view.ts';
import type { CallKind, LimitProfile } from '../../model/limit-profile.ts';
import { isoTime } from '../runtime/clock.ts';
import { OUTAGE_FAILURES } from './blocks.ts';
import { createsBlockedUntilMs, nextCreateMs } from './create-meters.ts';
import { DENIAL_FORGOTTEN_MS } from './denials.ts';
import { FORGOTTEN_MS } from './probes.ts';
import { isForgotten } from './quotas.ts';
import { type CallState, IDLE_CALLS, rateMultiplier } from './rate.ts';
import { createRates } from './rate-limits.ts';
import { deniedOf, type SiteState, scopeOf } from './site-state.ts';
import { MOST_HELD } from './slots.ts';

/**
 * Maximum number of reasons of one kind for one location. Further reasons are left out, so that users can read the
 * list.
 */
const MOST_SCOPES = 20;
/** If the next call may go out within this time, the rate limit is not listed as a reason. */
const SOON_MS = 1_000;

export interface SiteOverview {
  create: SiteState;
  list: CallState;
  mutate: CallState;
  /** Number of slots that are taken. */
  held: number;
  /** Number of the connection's location slots that are taken; undefined if no launch of the site waits for one. */
  locationsTaken: number | undefined;
}

/**
 * Lists the reasons why launches of a site wait, or go out more slowly than the limit profile allows; empty if there
 * are none.
 */
export function reasonsOf(site: SiteOverview, limits: LimitProfile, nowMs: number): GovernorReason[] {
  const { create, held, locationsTaken } = site;
  const { concurrentInstancesPerLocation: slots = MOST_HELD, concurrentLocations, pacing } = limits;
  const isFirst = pacing === 'all-at-once' && create.ranAtMs === undefined && held > 0;
  return [
    ...(held >= slots ? [{ why: 'slots', taken: held, of: slots } as const] : []),
    ...(locationsTaken === undefined || concurrentLocations === undefined
      ? []
      : [{ why: 'locations', taken: locationsTaken, of: concurrentLocations } as const]),
    ...rateReason(create, limits, nowMs),
    ...throttleReason('create', create, nowMs),
    ...(create.machines && limits.instances ? throttleReason('instances', create.machines, nowMs) : []),
    ...throttleReason('list', site.list, nowMs),
    ...throttleReason('mutate', site.mutate, nowMs),
    ...outageReason(create),
    ...capacityReasons(create, nowMs),
    ...quotaReasons(create, nowMs),
    ...networkReason(create, nowMs),
    ...denialReasons(create, nowMs),
    ...budgetReason(create, nowMs),
    ...(isFirst ? [{ why: 'first-instance' } as const] : []),
  ];
}

/** Lists the reasons why no launch of a site goes out, without the reasons that only pace the launches. */
export function blocksAmong(create: SiteState, limits: LimitProfile, nowMs: number): GovernorReason[] {
  const idle = { create, list: IDLE_CALLS, mutate: IDLE_CALLS, held: 0, locationsTaken: undefined };
  return reasonsOf(idle, limits, nowMs);
}

function rateReason(create: SiteState, limits: LimitProfile, nowMs: number): GovernorReason[] {
  const nextMs = nextCreateMs(create, createRates(limits), nowMs);
  const isOwn = nextMs > Math.max(nowMs + SOON_MS, createsBlockedUntilMs(create));
  return isOwn ? [{ why: 'rate', nextCallAt: isoTime(nextMs) }] : [];
}

function throttleReason(call: CallKind | 'instances', state: CallState, nowMs: number): GovernorReason[] {
  const share = rateMultiplier(state, nowMs);
  const isBlocked = state.blockedUntilMs > nowMs;
  if (share >= 1 && !isBlocked) return [];
  return [
    {
      why: 'throttled',
      call,
      share,
      ...(state.slowed ? { sinceAt: isoTime(state.slowed.sinceMs) } : {}),
      ...(isBlocked ? { until: isoTime(state.blockedUntilMs) } : {}),
    },
  ];
}

function outageReason({ outage }: SiteState): GovernorReason[] {
  if (!outage || outage.failures < OUTAGE_FAILURES) return [];
  return [{ why: 'outage', sinceAt: isoTime(outage.sinceMs), nextProbeAt: isoTime(outage.probeAtMs) }];
}

function capacityReasons({ scarce = {} }: SiteState, nowMs: number): GovernorReason[] {
  return Object.entries(scarce)
    .filter(([, { untilMs }]) => untilMs + FORGOTTEN_MS >= nowMs)
    .sort(([, one], [, other]) => other.untilMs - one.untilMs)
    .slice(0, MOST_SCOPES)
    .map(([scope, { sinceMs, untilMs, probe }]) => ({
      why: 'capacity',
      ...scopeOf(scope),
      sinceAt: isoTime(sinceMs),
      until: isoTime(untilMs),
      probing: probe !== undefined && probe.untilMs > nowMs,
    }));
}

function quotaReasons({ closed = {} }: SiteState, nowMs: number): GovernorReason[] {
  return Object.values(closed)
    .filter((entry) => !isForgotten(entry, nowMs))
    .sort((one, other) => other.sinceMs - one.sinceMs)
    .slice(0, MOST_SCOPES)
    .map(({ of, name, market, limit, used, metBy, message, sinceMs, retryAtMs }) => ({
      why: 'quota',
      of,
      ...(market === undefined ? {} : { market }),
      ...(of !== 'family' || name === undefined ? {} : { family: name }),
      ...(of === 'family' || name === undefined ? {} : { within: name }),
      ...(limit === undefined ? {} : { limit }),
      ...(used === undefined ? {} : { used }),
      ...(metBy === undefined ? {} : { fleet: metBy }),
      message,
      sinceAt: isoTime(sinceMs),
      retryAt: isoTime(retryAtMs),
    }));
}

function denialReasons({ denied = {} }: SiteState, nowMs: number): GovernorReason[] {
  return Object.entries(denied)
    .filter(([, { retryAtMs }]) => retryAtMs + DENIAL_FORGOTTEN_MS >= nowMs)
    .sort(([, one], [, other]) => other.sinceMs - one.sinceMs)
    .slice(0, MOST_SCOPES)
    .map(([scope, { message, sinceMs, retryAtMs, probe }]) => ({
      why: 'denied',
      ...deniedOf(scope),
      message,
      sinceAt: isoTime(sinceMs),
      retryAt: isoTime(retryAtMs),
      probing: probe !== undefined && probe.untilMs > nowMs,
    }));
}

function networkReason({ networks }: SiteState, nowMs: number): GovernorReason[] {
  if (!networks || networks.nextTryAtMs + FORGOTTEN_MS < nowMs) return [];
  const { message, metBy, sinceMs, nextTryAtMs } = networks;
  const retryAt = isoTime(Math.max(nextTryAtMs, nowMs));
  return [{ why: 'quota', of: 'networks', fleet: metBy, message, sinceAt: isoTime(sinceMs), retryAt }];
}

function budgetReason({ budget }: SiteState, nowMs: number): GovernorReason[] {
  if (!budget || budget.untilMs <= nowMs) return [];
  return [{ why: 'budget', budget: budget.reason, until: isoTime(budget.untilMs) }];
}
