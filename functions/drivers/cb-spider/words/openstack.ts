import type { QuotaSubject } from '../../../model/quota-subject.ts';
import type { RefusedQuota } from '../../contract/quota.ts';
import { type Meaning, meaning, quota, type WordRule } from './rule.ts';

const SUBJECTS: Readonly<Record<string, QuotaSubject>> = {
  instances: 'instances',
  cores: 'vcpus',
  ram: 'memoryGb',
  volumes: 'volumes',
  gigabytes: 'volumes',
  key_pairs: 'networks',
};
const MB_PER_GB = 1_024;

/** Nova's quota: `Quota exceeded for ram, cores: Requested 8192, 4, but already used 51200, 20 of 51200, 20 ram, cores`. */
function ofNova(words: string): Meaning | undefined {
  const found =
    /Quota exceeded for (?<names>[a-z_, ]+?): Requested (?<requested>[0-9, ]+?), but already used (?<used>[0-9, ]+?) of (?<limits>[0-9, ]+)/i.exec(
      words,
    );
  if (!found?.groups) return undefined;
  const { names = '', requested, used, limits } = found.groups;
  const read = (text = '') => text.split(',').map((one) => Number(one.trim() || Number.NaN));
  const [asked, taken, most] = [read(requested), read(used), read(limits)];
  const all = names.split(',').map((name, at): RefusedQuota => {
    const of = SUBJECTS[name.trim().toLowerCase()] ?? 'family';
    const unit = of === 'memoryGb' ? MB_PER_GB : 1;
    const figures = { limit: most[at], used: taken[at], requested: asked[at] };
    const valid = Object.entries(figures).filter(
      ([, value]) => value !== undefined && Number.isFinite(value),
    );
    return { of, ...Object.fromEntries(valid.map(([name, value]) => [name, Number(value) / unit])) };
  });
  // If one of several quotas is smaller than the request itself, no smaller use of the others would help.
  const tooBig = all.find(
    ({ limit, requested: wants }) => limit !== undefined && wants !== undefined && wants > limit,
  );
  const chosen = tooBig ?? all.find(({ of }) => of === 'instances') ?? all[0];
  return chosen && { code: 'QuotaExceeded', quota: chosen };
}

/**
 * Words of Nova, Neutron and Cinder, also of the clouds that are made with them (NHN, KT). Texts: nova/exception.py,
 * nova/quota.py, neutron/common/exceptions.py and cinder/exception.py of OpenStack's public sources.
 */
export const OPENSTACK: readonly WordRule[] = [
  meaning('Throttled', /This request was rate-limited|OverLimit Retry|Too many requests/i),
  meaning(
    'InsufficientCapacity',
    /No ?valid ?host|Exceeded maximum number of retries|Insufficient compute resources|There are not enough hosts available|No more IP addresses available|IpAddressGenerationFailure|NoNetworkAvailable|Exhausted all hosts|Requested resources are not available/i,
  ),
  ofNova,
  quota(
    'addresses',
    /Maximum number of (ports|fixed ips|floating ips) exceeded|number of defined ports: .{1,20} is over the limit: (?<limit>[0-9]+)|Quota exceeded for resources: \[[^\]]*'(port|floatingip|fixed_ip)'/i,
  ),
  quota(
    'networks',
    /Quota exceeded for resources: \[[^\]]*'(network|subnet|router|security_group|security_group_rule|subnetpool|rbac_policy)'|Quota exceeded, too many (key pairs|server groups|security groups)|Maximum number of (key pairs|security groups|security group rules|networks|routers) exceeded/i,
  ),
  quota(
    'volumes',
    /VolumeLimitExceeded|VolumeSizeExceedsAvailableQuota|VolumeSizeExceedsLimit|Maximum number of volumes allowed|Requested volume or snapshot exceeds allowed gigabytes quota|Quota exceeded for resources: \[[^\]]*'(volumes?|gigabytes)/i,
  ),
  quota('vcpus', /Quota exceeded for cores\b/i),
  quota('memoryGb', /Quota exceeded for ram\b/i),
  quota(
    'instances',
    /Quota exceeded for instances\b|Maximum number of instances (has been )?(exceeded|reached)/i,
  ),
  meaning(
    'InvalidRequest',
    /Maximum number of metadata items exceeds|Maximum number of (tags|injected files) |Flavor's (disk|memory) is too (small|large)|disk is too small for requested image|Image \S+ is not active|Only volume-backed servers are allowed|It is not allowed to create an interface|Personality (file|content)|User data too large|Invalid key_name|Network \S+ requires a subnet|Quota exceeded, too many servers in group/i,
    'launch',
  ),
];
