import type { Cloud } from './cloud.ts';
import type { DriverName } from './driver-names.ts';
import { EC2_GRANTED_PROFILE, EC2_GRANTED_SOURCES, EC2_PROFILE, EC2_SOURCES } from './ec2-limits.ts';
import type { LimitProfile, LimitTier } from './limit-profile.ts';
import type { LimitSource } from './limit-source.ts';
import { CAUTIOUS_PROFILES, CAUTIOUS_SOURCES, GRANTED_PROFILES, GRANTED_SOURCES } from './peer-limits.ts';
import { SPIDER_LIMITS } from './spider-limits.ts';

/** Part of the rates that is left for other programs in the account, if the connection does not say it. */
const USUAL_RESERVE = 0.1;

/** A driver, and the cloud that it reaches. The way to a cloud decides what it meters. */
export interface DrivenCloud {
  driver: DriverName;
  cloud: Cloud;
}

export interface Tier {
  profile: LimitProfile;
  /** Where the figures come from. */
  sources: readonly LimitSource[];
}

/**
 * Returns the limits of one tier:
 *
 * - `cautious`: the published semaphores of a peer, and rates that no cloud is known to refuse
 * - `default`: what the cloud gives each account, as far as it is published. Otherwise the cautious limits
 * - `power`: what providers grant on request
 */
export function tierOf({ driver, cloud }: DrivenCloud, tier: LimitTier): Tier {
  if (driver === 'sim') return simulatedTier(cloud, tier);
  if (driver === 'aws' && tier !== 'cautious') {
    return tier === 'power'
      ? { profile: EC2_GRANTED_PROFILE, sources: [...EC2_GRANTED_SOURCES, ...EC2_SOURCES] }
      : { profile: EC2_PROFILE, sources: EC2_SOURCES };
  }
  const spider = driver === 'cb-spider' ? SPIDER_LIMITS[cloud] : undefined;
  if (spider && tier !== 'cautious') {
    return tier === 'power'
      ? { profile: spider.power, sources: spider.powerSources }
      : { profile: spider.profile, sources: spider.sources };
  }
  const reserve = cloud === 'mock' ? {} : { reserve: USUAL_RESERVE };
  if (tier === 'power')
    return { profile: { ...GRANTED_PROFILES[cloud], ...reserve }, sources: GRANTED_SOURCES };
  return { profile: { ...CAUTIOUS_PROFILES[cloud], ...reserve }, sources: CAUTIOUS_SOURCES };
}

/** Returns a tier of a simulated cloud, which is the deployment's own: nothing is left for others. */
function simulatedTier(cloud: Cloud, tier: LimitTier): Tier {
  if (tier === 'power') return { profile: GRANTED_PROFILES[cloud], sources: GRANTED_SOURCES };
  const told = 'the defaults of the simulated clouds; a verified connection has the limits of its own cloud';
  return {
    profile: CAUTIOUS_PROFILES[cloud],
    sources: [{ limits: 'all', source: told, isEstimate: false }],
  };
}

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
