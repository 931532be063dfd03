import type { Cloud } from './cloud.ts';
import { mostBurst } from './limit-contradictions.ts';
import { type LimitOverride, type LimitProfile, limitProfileSchema, type Rate } from './limit-profile.ts';
import { DEFAULT_LIMIT_PROFILES, POWER_LIMIT_PROFILES } from './limit-tiers.ts';

/**
 * Returns the limit profile in force. It is the cloud's default or power profile, in which the connection's override
 * replaces fields. If the override has no create rate, the profile's create rate is lowered to agree with the override.
 */
export function limitProfileOf(cloud: Cloud, override: LimitOverride | undefined): LimitProfile {
  const base = (override?.tier === 'power' ? POWER_LIMIT_PROFILES : DEFAULT_LIMIT_PROFILES)[cloud];
  if (!override) return base;
  const { tier: _, calls: rates, ...rest } = override;
  const profile = limitProfileSchema.parse({ ...base, ...rest, calls: { ...base.calls, ...rates } });
  if (rates?.create !== undefined) return profile;
  return { ...profile, calls: { ...profile.calls, create: fitting(profile) } };
}

function fitting({
  calls: { create },
  pacing,
  minimumSpacingMs = 0,
  createsPerMinute,
  createsPerDay,
}: LimitProfile): Rate {
  const perSecond = Math.min(create.perSecond, 1_000 / minimumSpacingMs);
  if (pacing === 'even') return { perSecond, burst: 1 };
  const atOnce = Math.min(create.burst, createsPerMinute ?? Infinity, createsPerDay ?? Infinity);
  const burst = Math.floor(Math.min(atOnce, mostBurst(perSecond)));
  return { perSecond: Math.min(perSecond, burst), burst };
}
