import type { QuotaSubject } from '../../model/quota-subject.ts';
import { figureOf, type RefusedQuota } from '../contract/quota.ts';

/**
 * What a resource in a quota error of OpenStack counts. Names: nova/quota.py and nova/limit/utils.py (`instances` or
 * `servers`), neutron/conf/quota.py, cinder/quota.py.
 */
const SUBJECTS: Readonly<Record<string, QuotaSubject>> = {
  instances: 'instances',
  servers: 'instances',
  cores: 'vcpus',
  'class:vcpu': 'vcpus',
  'class:pcpu': 'vcpus',
  ram: 'memoryGb',
  'class:memory_mb': 'memoryGb',
  ports: 'addresses',
  port: 'addresses',
  floatingip: 'addresses',
  'floating ips': 'addresses',
  fixed_ips: 'addresses',
  'fixed ips': 'addresses',
  volumes: 'volumes',
  gigabytes: 'volumes',
  'class:disk_gb': 'volumes',
  network: 'networks',
  networks: 'networks',
  subnet: 'networks',
  router: 'networks',
  routers: 'networks',
  security_group: 'networks',
  security_group_rule: 'networks',
  'security groups': 'networks',
  'security groups or rules': 'networks',
  'key pairs': 'networks',
  key_pairs: 'networks',
  server_key_pairs: 'networks',
  'server groups': 'networks',
  server_groups: 'networks',
};
const MB_PER_GB = 1_024;

/** `Quota exceeded for ram, cores: Requested 8192, 4, but already used 51200, 20 of 51200, 20 ram, cores` */
const OF_NOVA =
  /quota exceeded for (?<names>[a-z_, ]{1,200}?): requested (?<requested>[0-9, ]{1,100}?), but already used (?<used>[0-9, ]{1,100}?) of (?<limit>[0-9, ]{1,100})/i;
/** oslo.limit: `Resource class:VCPU is over limit of 20 due to current usage 20 and delta 4` */
const UNIFIED =
  /resource (?<names>[a-z_:]{1,60}) is over limit of (?<limit>[0-9]{1,20}) due to current usage (?<used>[0-9]{1,20}) and delta (?<requested>[0-9]{1,20})/gi;
/** Neutron: `Quota exceeded for resources: ['network'].` Nova's conductor: `Quota exceeded for resources: instances`. */
const OF_RESOURCES = /quota exceeded for resources: \[?(?<names>[a-z_:,'" ]{1,200})/i;
/** Nova: `Maximum number of ports exceeded`, `Quota exceeded, too many key pairs.` */
const NAMED =
  /maximum number of (?<names>[a-z ]{1,60}?) exceeded|quota exceeded, too many (?<others>[a-z ]{1,60})/i;
const DEFINED_PORTS = /number of defined ports: [0-9]{1,20} is over the limit: (?<limit>[0-9]{1,20})/i;
const OF_CINDER =
  /volume(size)?(limitexceeded|exceeds\w{0,20}(quota|limit))|exceeds allowed (volume |gigabytes )?quota/i;

/** Returns what the words of a used-up quota of OpenStack are about; undefined if they do not tell. */
export function quotaOf(message: string): RefusedQuota | undefined {
  const all = quotasOf(message);
  // A quota that is smaller than the request itself cannot be met, whatever else is used up.
  return (
    all.find(({ limit, requested }) => limit !== undefined && requested !== undefined && requested > limit) ??
    all.find(({ of }) => of === 'instances') ??
    all[0]
  );
}

function quotasOf(message: string): RefusedQuota[] {
  const nova = OF_NOVA.exec(message)?.groups;
  if (nova) {
    const { names, requested, used, limit } = nova;
    const [asked, taken, most] = [partsOf(requested), partsOf(used), partsOf(limit)];
    return partsOf(names).flatMap((name, at) => oneQuota(name, most[at], taken[at], asked[at]));
  }
  const unified = [...message.matchAll(UNIFIED)].flatMap(({ groups = {} }) =>
    oneQuota(groups['names'] ?? '', groups['limit'], groups['used'], groups['requested']),
  );
  if (unified.length > 0) return unified;
  const listed = OF_RESOURCES.exec(message)?.groups?.['names'];
  if (listed !== undefined) return partsOf(listed.replace(/['"]/g, '')).flatMap((name) => oneQuota(name));
  const ports = DEFINED_PORTS.exec(message)?.groups?.['limit'];
  if (ports !== undefined) return oneQuota('ports', ports);
  const named = NAMED.exec(message)?.groups;
  if (named) return oneQuota((named['names'] ?? named['others'] ?? '').trim());
  return OF_CINDER.test(message) ? [{ of: 'volumes' }] : [];
}

const partsOf = (list = ''): string[] => list.split(',').map((one) => one.trim());

function oneQuota(name: string, limit?: string, used?: string, requested?: string): RefusedQuota[] {
  const of = SUBJECTS[name.toLowerCase()];
  if (of === undefined) return [];
  const unit = of === 'memoryGb' ? MB_PER_GB : 1;
  const figures = Object.entries({ limit, used, requested }).flatMap(([what, text]) => {
    const figure = figureOf(text);
    return figure === undefined ? [] : [[what, figure / unit] as const];
  });
  return [{ of, ...Object.fromEntries(figures) }];
}

/** Returns true if the words tell that a quota is used up. A server that ends in ERROR may have them as its fault. */
export function isQuotaWords(message: string): boolean {
  return (
    /quota exceeded|\bmaximum number of [a-z ]{1,60} exceeded|\bis over (a|the) limit\b|\bis over limit of\b|TooManyInstances|PortLimitExceeded/i.test(
      message,
    ) || OF_CINDER.test(message)
  );
}
