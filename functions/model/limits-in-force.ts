import type { AppliedLimits } from './applied-limits.ts';
import {
  type LimitOverride,
  type LimitProfile,
  limitProfileSchema,
  type ReportedLimits,
} from './limit-profile.ts';
import { type DrivenCloud, tierOf } from './limit-tiers.ts';
import { atOnceOf, isSlowerThan, isWindow, perSecondOf, type Rate, slowerOf } from './rate.ts';

/** Longest time, in seconds, whose calls a burst may have if a minimum spacing is the only limit that a user wrote. */
const SPACED_BURST_SECONDS = 10;

/** What decides the limits of a connection, besides its override. */
export interface LimitedConnection extends DrivenCloud {
  /** The limits that the cloud has reported for the connection's account. */
  reportedLimits?: ReportedLimits | undefined;
  /** The limits that quotas of the account state, by location. */
  appliedLimits?: Readonly<Record<string, AppliedLimits>> | undefined;
}

/**
 * Returns the limit profile in force. It is the profile of the override's tier, in which the connection's override
 * replaces fields. What the cloud itself has reported replaces the default profile first. If the override has no create
 * rate, the profile's create rate is lowered to agree with the override.
 *
 * If the override slows create calls down and says nothing of `instances`, machines have the same rate as create
 * calls. Overrides that were written before machines were metered apart meant machines, and must not allow more now. An
 * override that only raises the rate of create calls keeps the cloud's rate of machines.
 */
export function limitProfileOf(
  connection: LimitedConnection,
  override: LimitOverride | undefined,
): LimitProfile {
  const tier = override?.tier ?? 'default';
  const { profile: usual } = tierOf(connection, tier);
  const reported = tier === 'default' ? withReported(usual, connection.reportedLimits) : usual;
  const applied = tier === 'default' ? connection.appliedLimits : undefined;
  const base = withApplied(reported, applied, override);
  if (!override) return base;
  const { tier: _, calls: rates, instances, actions, connectionCalls, families, ...rest } = override;
  const {
    instances: usualMachines,
    actions: usualActions,
    connectionCalls: usualOfConnection,
    families: usualFamilies,
    ...kept
  } = base;
  const profile = limitProfileSchema.parse({
    ...withoutNulls({ ...kept, ...rest }),
    ...(base.locations ? { locations: mergedLocations(base.locations, rest.locations) } : {}),
    ...named('actions', { ...usualActions, ...actions }),
    ...named('connectionCalls', { ...usualOfConnection, ...connectionCalls }),
    ...named('families', { ...usualFamilies, ...families }),
    calls: { ...base.calls, ...rates },
  });
  const create = rates?.create ?? fitting(profile);
  const machines =
    instances === undefined
      ? unwritten({ ...profile, create }, override, { create: base.calls.create, machines: usualMachines })
      : instances;
  const isMetered = machines && profile.pacing !== 'all-at-once';
  return {
    ...profile,
    calls: { ...profile.calls, create },
    ...(isMetered ? { instances: machines } : {}),
  };
}

/**
 * Returns the limits at one location: the profile, in which the location's own limits replace fields. A location's
 * `calls.create` changes nothing about its `instances`.
 */
export function limitsAt({ locations, ...profile }: LimitProfile, location: string): LimitProfile {
  const own = locations?.[location];
  if (!own) return profile;
  const { calls, actions, ...rest } = own;
  return limitProfileSchema.parse({
    ...withoutNulls({ ...profile, ...rest }),
    ...named('actions', { ...profile.actions, ...actions }),
    calls: { ...profile.calls, ...calls },
  });
}

function withReported(profile: LimitProfile, reported: ReportedLimits | undefined): LimitProfile {
  if (!reported) return profile;
  const { calls, actions, ...rest } = reported;
  return limitProfileSchema.parse({
    ...withoutNulls({ ...profile, ...rest }),
    ...named('actions', { ...profile.actions, ...actions }),
    calls: { ...profile.calls, ...calls },
  });
}

/**
 * Adds the limits that quotas of the account state at some locations, higher or lower than the default ones. A rate of
 * creates that the user wrote stays.
 */
function withApplied(
  profile: LimitProfile,
  applied: LimitedConnection['appliedLimits'] = {},
  { calls, pacing, minimumSpacingMs }: LimitOverride = {},
): LimitProfile {
  const isWritten = calls?.create !== undefined || pacing !== undefined || minimumSpacingMs !== undefined;
  if (isWritten || Object.keys(applied).length === 0) return profile;
  return { ...profile, locations: mergedLocations(applied, profile.locations) };
}

type Locations = NonNullable<LimitProfile['locations']>;

/** Returns the limits of all locations. Those of `own` win. */
function mergedLocations(usual: Locations, own: Locations = {}): Locations {
  const merged = Object.entries(own).map(([name, limits]) => {
    const calls = { ...usual[name]?.calls, ...limits.calls };
    return [name, { ...usual[name], ...limits, calls }] as const;
  });
  return { ...usual, ...Object.fromEntries(merged) };
}

const withoutNulls = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));

/** Returns a field with those of its entries that are not null. Without entries, the field is absent. */
function named(field: 'actions' | 'connectionCalls' | 'families', byName: object): object {
  const metered = withoutNulls(byName);
  return Object.keys(metered).length === 0 ? {} : { [field]: metered };
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
 * @param usual the rates of the default profile. `machines` absent: the cloud meters only calls
 */
function unwritten(
  { create, minimumSpacingMs }: { create: Rate; minimumSpacingMs?: number },
  { calls, pacing }: LimitOverride,
  usual: { create: Rate; machines: Rate | undefined },
): Rate | undefined {
  const { machines } = usual;
  const isSpaced = pacing === 'even' || minimumSpacingMs !== undefined;
  const isWritten = calls?.create !== undefined;
  const isRaised = isWritten && machines !== undefined && !isSlowerThan(create, usual.create);
  if (!isSpaced && (!isWritten || isRaised)) return machines;
  // With a minimum spacing, each call is for one machine.
  const same = minimumSpacingMs === undefined ? create : { perSecond: perSecondOf(create), burst: 1 };
  return machines === undefined ? same : slowerOf(same, machines);
}
