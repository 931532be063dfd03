import type { Cloud } from './cloud.ts';
import { type LimitOverride, type LimitProfile, limitProfileSchema } from './limit-profile.ts';
import { DEFAULT_LIMIT_PROFILES, POWER_LIMIT_PROFILES } from './limit-tiers.ts';
import { atOnceOf, isWindow, perSecondOf, type Rate, slowerOf } from './rate.ts';

/** Longest time, in seconds, whose calls a burst may have if a minimum spacing is the only limit that a user wrote. */
const SPACED_BURST_SECONDS = 10;

/**
 * Returns the limit profile in force. It is the cloud's default or power profile, in which the connection's override
 * replaces fields. If the override has no create rate, the profile's create rate is lowered to agree with the override.
 *
 * If the override slows create calls down and says nothing of `instances`, machines have the same rate as create
 * calls. Overrides that were written before machines were metered apart meant machines, and must not allow more now.
 */
export function limitProfileOf(cloud: Cloud, override: LimitOverride | undefined): LimitProfile {
  const base = (override?.tier === 'power' ? POWER_LIMIT_PROFILES : DEFAULT_LIMIT_PROFILES)[cloud];
  if (!override) return base;
  const { tier: _, calls: rates, instances, ...rest } = override;
  const { instances: usual, ...kept } = base;
  const merged = Object.entries({ ...kept, ...rest }).filter(([, value]) => value !== null);
  const profile = limitProfileSchema.parse({
    ...Object.fromEntries(merged),
    calls: { ...base.calls, ...rates },
  });
  const create = rates?.create ?? fitting(profile);
  const machines = instances === undefined ? unwritten({ ...profile, create }, override, usual) : instances;
  const isMetered = machines && profile.pacing !== 'all-at-once';
  return {
    ...profile,
    calls: { ...profile.calls, create },
    ...(isMetered ? { instances: machines } : {}),
  };
}

/** Lowers the default rate of create calls, so that it agrees with what the user wrote. */
function fitting({
  calls: { create },
  pacing,
  minimumSpacingMs = 0,
  createsPerMinute = Infinity,
  createsPerDay = Infinity,
}: LimitProfile): Rate {
  const perSecond = Math.min(perSecondOf(create), 1_000 / minimumSpacingMs);
  if (pacing === 'even') return { perSecond, burst: 1 };
  const atOnce = Math.min(atOnceOf(create), createsPerMinute, createsPerDay);
  if (isWindow(create) && minimumSpacingMs === 0) return { ...create, count: atOnce };
  const spaced = minimumSpacingMs === 0 ? Infinity : Math.max(1, perSecond * SPACED_BURST_SECONDS);
  const burst = Math.floor(Math.min(atOnce, spaced));
  return { perSecond: Math.min(perSecond, burst), burst };
}

/**
 * Returns the rate of machines if the override does not say it.
 *
 * @param usual the rate of the default profile
 */
function unwritten(
  { create, minimumSpacingMs }: { create: Rate; minimumSpacingMs?: number },
  { calls, pacing }: LimitOverride,
  usual: Rate | undefined,
): Rate | undefined {
  const isSlowed = calls?.create !== undefined || pacing === 'even' || minimumSpacingMs !== undefined;
  if (!isSlowed) return usual;
  // With a minimum spacing, each call is for one machine.
  const same = minimumSpacingMs === undefined ? create : { perSecond: perSecondOf(create), burst: 1 };
  return usual === undefined ? same : slowerOf(same, usual);
}
