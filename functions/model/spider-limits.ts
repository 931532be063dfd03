import type { Cloud } from './cloud.ts';
import type { LimitProfile } from './limit-profile.ts';
import type { LimitSource } from './limit-source.ts';
import { CAUTIOUS_PROFILES, GRANTED_PROFILES, GRANTED_SOURCES } from './peer-limits.ts';

/** A number of calls in each minute. Compute Engine's minutes begin together for all callers. */
const aMinute = (count: number) => ({ count, windowSeconds: 60 });

/** Limits of a cloud that CB-Spider calls: those of the cloud, and the slots that CB-Spider's server bears. */
interface SpiderLimits {
  profile: LimitProfile;
  sources: readonly LimitSource[];
  power: LimitProfile;
  powerSources: readonly LimitSource[];
}

const RESERVE = 0.1;
const SLOTS: LimitSource = {
  limits: 'concurrentLocations, concurrentInstancesPerLocation',
  source: 'CB-Tumblebug 0.13.0: what it lets a CB-Spider server create at the same time',
  isEstimate: true,
};

/**
 * Azure, as CB-Spider calls it. A machine of its own is a write at Microsoft.Compute, and two at Microsoft.Network: its
 * interface and its address. The second is the tighter limit, and counts the whole subscription.
 */
const AZURE: SpiderLimits = {
  profile: {
    ...CAUTIOUS_PROFILES.azure,
    calls: { create: aMinute(500), list: aMinute(300), mutate: aMinute(500) },
    connectionCalls: { create: { count: 500, windowSeconds: 300 } },
    reserve: RESERVE,
  },
  sources: [
    SLOTS,
    {
      limits: 'calls.create, calls.list, calls.mutate',
      source:
        'Microsoft.Compute, by subscription and region: 500 creates, 300 lists, 500 updates or deletes a minute',
      url: 'https://learn.microsoft.com/en-us/azure/virtual-machines/compute-throttling-limits',
      date: '2026-11-29',
      isEstimate: false,
    },
    {
      limits: 'connectionCalls.create',
      source:
        'Microsoft.Network, by subscription: 1,000 writes in five minutes in 2020, of which a machine with interface and address takes two',
      url: 'https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/request-limits-and-throttling',
      date: '2026-11-29',
      isEstimate: true,
    },
  ],
  power: {
    ...GRANTED_PROFILES.azure,
    calls: { create: aMinute(1_500), list: aMinute(900), mutate: aMinute(1_500) },
    connectionCalls: { create: { count: 2_000, windowSeconds: 300 } },
    reserve: RESERVE,
  },
  powerSources: [
    ...GRANTED_SOURCES,
    {
      limits: 'calls.create, calls.list, calls.mutate',
      source: 'the buckets of Microsoft.Compute hold three minutes of calls',
      url: 'https://learn.microsoft.com/en-us/azure/virtual-machines/compute-throttling-limits',
      date: '2026-11-29',
      isEstimate: true,
    },
  ],
};

/** Compute Engine, as CB-Spider calls it. Its rates are those of a project, and count all regions. */
const GCP: SpiderLimits = {
  profile: {
    ...CAUTIOUS_PROFILES.gcp,
    calls: { create: aMinute(360), list: aMinute(300), mutate: aMinute(720) },
    connectionCalls: { change: aMinute(1_500), list: aMinute(300) },
    reserve: RESERVE,
  },
  sources: [
    SLOTS,
    {
      limits: 'connectionCalls.change',
      source: 'Compute Engine, by project: 1,500 mutations a minute; newer figures are not published',
      url: 'https://cloud.google.com/compute/docs/api-rate-limits',
      date: '2026-11-29',
      isEstimate: false,
    },
    {
      limits: 'connectionCalls.list, calls.list',
      source:
        'Compute Engine, by project: 1,500 reads a minute, of which a list of CB-Spider takes about five',
      url: 'https://cloud.google.com/compute/docs/api-rate-limits',
      date: '2026-11-29',
      isEstimate: true,
    },
    {
      limits: 'calls.create, calls.mutate',
      source: 'no figure is published for a region: the cautious rates, in minutes',
      isEstimate: true,
    },
  ],
  power: {
    ...GRANTED_PROFILES.gcp,
    calls: { create: aMinute(1_500), list: aMinute(1_200), mutate: aMinute(3_000) },
    connectionCalls: { change: aMinute(6_000), list: aMinute(1_200) },
    reserve: RESERVE,
  },
  powerSources: GRANTED_SOURCES,
};

/** The clouds behind CB-Spider that publish rates. The others have the cautious limits. */
export const SPIDER_LIMITS: Readonly<Partial<Record<Cloud, SpiderLimits>>> = { azure: AZURE, gcp: GCP };
