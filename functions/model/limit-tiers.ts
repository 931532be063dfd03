import type { Cloud } from './cloud.ts';
import type { LimitProfile } from './limit-profile.ts';
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
 * The default limits of each cloud. Sources: the numbers of slots are the create limits per provider that CB-Tumblebug
 * 0.13.0 publishes (the sizes of its semaphores). The list rates are CB-Tumblebug's status calls per second.
 * The create rates are conservative estimates of this project, until the rates of the clouds are measured.
 */
export const DEFAULT_LIMIT_PROFILES: Readonly<Record<Cloud, LimitProfile>> = {
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
export const POWER_LIMIT_PROFILES: Readonly<Record<Cloud, LimitProfile>> = {
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

export interface RequestMore {
  /** Text for users: what to request, and where. */
  text: string;
  /** Address of the provider's own page about such requests. */
  url: string;
}

const KT: RequestMore = {
  text: 'Send KT Cloud a technical enquiry in the console. The guide of its API says what the limits count.',
  url: 'https://cloud.kt.com/docs/open-api-guide/d/guide/how-to-use',
};

/** Instructions on how to request higher limits from each provider. */
export const REQUEST_MORE: Readonly<Record<Cloud, RequestMore>> = {
  aws: {
    text: 'Open a support case for each region: ask for higher request rates of RunInstances and DescribeInstances, and for a higher resource rate of RunInstances. Request more vCPUs under Service Quotas.',
    url: 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html',
  },
  azure: {
    text: 'Raise the vCPU quota of the VM family and of the region under Quotas in the portal. Open a support request for higher rates of Microsoft.Compute.',
    url: 'https://learn.microsoft.com/en-us/azure/quotas/quickstart-increase-quota-portal',
  },
  gcp: {
    text: 'Request a quota adjustment for Compute Engine under IAM & Admin, Quotas: the rate quotas per minute, and CPUS-per-project-region.',
    url: 'https://cloud.google.com/compute/docs/api-rate-limits',
  },
  alibaba: {
    text: 'Apply for an increase in Quota Center: the API Rate Limits of Elastic Compute Service, and its vCPU quotas by region.',
    url: 'https://www.alibabacloud.com/help/en/elastic-compute-service/latest/api-throttling',
  },
  tencent: {
    text: 'Open a ticket: ask for a higher frequency limit of RunInstances and a higher CVM quota of the zone.',
    url: 'https://www.tencentcloud.com/document/product/213/568',
  },
  ibm: {
    text: 'Open a support case for the VPC quotas of the region: instances, vCPU and memory.',
    url: 'https://cloud.ibm.com/docs/vpc?topic=vpc-quotas',
  },
  ncp: {
    text: 'Request a higher limit of Server under Service Quota in the console.',
    url: 'https://guide.ncloud-docs.com/docs/en/servicequota-spec',
  },
  openstack: {
    text: "Ask the cloud's operator to raise the project's quotas of instances, cores and ram, and the rate limits of the API if there are any.",
    url: 'https://docs.openstack.org/nova/latest/user/unified-limits.html',
  },
  oracle: {
    text: 'Request a service limit increase for Compute in the console, for each region and availability domain.',
    url: 'https://docs.oracle.com/en-us/iaas/Content/General/Concepts/servicelimits.htm',
  },
  nhn: {
    text: 'Ask customer support for more instances and vCPUs than the resource provision policy gives a project.',
    url: 'https://docs.nhncloud.com/en/nhncloud/ko/resource-policy/',
  },
  kt: KT,
  ktclassic: KT,
  mock: {
    text: "CB-Spider's mock cloud has no limits of its own. Set any limits with `fleetwright connection set-limits`.",
    url: 'https://github.com/cloud-barista/cb-spider',
  },
};
