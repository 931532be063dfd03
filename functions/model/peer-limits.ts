import type { Cloud } from './cloud.ts';
import type { LimitProfile } from './limit-profile.ts';
import type { LimitSource } from './limit-source.ts';
import type { Bucket } from './rate.ts';

function profile(locations: number, instances: number, create: Bucket, listPerSecond: number): LimitProfile {
  return {
    concurrentLocations: locations,
    concurrentInstancesPerLocation: instances,
    calls: {
      create,
      list: { perSecond: listPerSecond, burst: listPerSecond },
      mutate: { perSecond: create.perSecond * 2, burst: create.burst * 2 },
    },
    pacing: 'burst',
  };
}

/**
 * Cautious limits of each cloud. Sources: the numbers of slots are the create limits per provider that CB-Tumblebug
 * 0.13.0 publishes (the sizes of its semaphores). The list rates are CB-Tumblebug's status calls per second.
 * The create rates are conservative estimates of this project, until the rates of the clouds are measured.
 */
export const CAUTIOUS_PROFILES: Readonly<Record<Cloud, LimitProfile>> = {
  aws: profile(30, 20, { perSecond: 5, burst: 20 }, 10),
  azure: profile(30, 20, { perSecond: 4, burst: 12 }, 8),
  gcp: profile(30, 20, { perSecond: 6, burst: 20 }, 12),
  alibaba: profile(30, 20, { perSecond: 4, burst: 10 }, 6),
  tencent: profile(30, 20, { perSecond: 3, burst: 10 }, 5),
  ibm: profile(30, 20, { perSecond: 3, burst: 8 }, 5),
  ncp: profile(5, 15, { perSecond: 2, burst: 5 }, 3),
  openstack: profile(30, 20, { perSecond: 3, burst: 10 }, 5),
  oracle: profile(30, 20, { perSecond: 3, burst: 10 }, 5),
  nhn: profile(30, 20, { perSecond: 2, burst: 5 }, 5),
  kt: profile(30, 20, { perSecond: 2, burst: 5 }, 5),
  ktclassic: profile(30, 20, { perSecond: 2, burst: 5 }, 5),
  mock: profile(30, 20, { perSecond: 10, burst: 20 }, 10),
};

/**
 * Limits to request from a provider if the defaults are too low. Set them after the provider has granted them.
 * Providers decide each case separately and publish few figures. Compute Engine has quotas of 1,500 requests per
 * minute, which are 25 per second. Tencent Cloud allows 10 RunInstances and 40 DescribeInstances per second. EC2 lets an
 * account launch 1,000 instances before it limits the rate of instances. All other rates are four times the default
 * rates. Most profiles allow 100 concurrent instances, which is the highest limit that private-cloud offerings publish.
 */
export const GRANTED_PROFILES: Readonly<Record<Cloud, LimitProfile>> = {
  aws: profile(30, 100, { perSecond: 20, burst: 100 }, 40),
  azure: profile(30, 100, { perSecond: 16, burst: 48 }, 32),
  gcp: profile(30, 100, { perSecond: 25, burst: 100 }, 25),
  alibaba: profile(30, 100, { perSecond: 16, burst: 40 }, 24),
  tencent: profile(30, 100, { perSecond: 10, burst: 10 }, 40),
  ibm: profile(30, 100, { perSecond: 12, burst: 32 }, 20),
  ncp: profile(10, 50, { perSecond: 8, burst: 20 }, 12),
  openstack: profile(30, 100, { perSecond: 12, burst: 40 }, 20),
  oracle: profile(30, 100, { perSecond: 12, burst: 40 }, 20),
  nhn: profile(30, 100, { perSecond: 8, burst: 20 }, 20),
  kt: profile(30, 100, { perSecond: 8, burst: 20 }, 20),
  ktclassic: profile(30, 100, { perSecond: 8, burst: 20 }, 20),
  mock: profile(30, 100, { perSecond: 40, burst: 80 }, 40),
};

/** Where the figures of `CAUTIOUS_PROFILES` come from. */
export const CAUTIOUS_SOURCES: readonly LimitSource[] = [
  {
    limits: 'concurrentLocations, concurrentInstancesPerLocation',
    source: 'CB-Tumblebug 0.13.0: the sizes of its semaphores for create calls',
    isEstimate: false,
  },
  { limits: 'calls.list', source: 'CB-Tumblebug 0.13.0: its status calls per second', isEstimate: false },
  {
    limits: 'calls.create, calls.mutate',
    source: 'no figure is published for this way to the cloud: a cautious guess',
    isEstimate: true,
  },
];

/** Where the figures of `GRANTED_PROFILES` come from. */
export const GRANTED_SOURCES: readonly LimitSource[] = [
  {
    limits: 'all',
    source: 'providers decide each case separately: about four times the cautious limits',
    isEstimate: true,
  },
];
