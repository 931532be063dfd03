import type { InstanceRecord } from './records.ts';
import type { Target } from './world.ts';

/** A quota of an account at a location. */
export interface SiteQuota {
  unit: 'instances' | 'vcpus' | 'networks';
  /** The quota's name, in the words of a refusal. */
  name: string;
  /** Absent: the quota counts all markets that no other quota of the unit counts. */
  market?: 'spot';
  limit: number;
  used: number;
}

/** Returns the quotas that limit the creation of an instance in a market, with what is used of them. */
export function instanceQuotas(target: Target, market: InstanceRecord['market']): SiteQuota[] {
  return quotasOf(target).filter((quota) => {
    if (quota.unit === 'networks') return false;
    return quota.unit === 'vcpus' || (quota.market === 'spot') === isOfSpot(target, market);
  });
}

/** Returns all quotas of an account at a location, with what is used of them. */
export function quotasOf(target: Target): SiteQuota[] {
  const { cloud, site, nowMs } = target;
  const own = cloud.locations[site.key.location];
  const spotQuota = cloud.spot?.instanceQuota;
  const vcpuQuota = own?.vcpuQuota ?? cloud.vcpuQuota;
  const existing = [...site.live.values()].filter(
    ({ terminatedAtMs }) => terminatedAtMs === undefined || terminatedAtMs > nowMs,
  );
  const ofSpot = existing.filter(({ market }) => isOfSpot(target, market));
  const networks = [...site.resources.values()].filter(({ kind }) => kind === 'network');
  return [
    {
      unit: 'instances',
      name: 'instances',
      limit: own?.instanceQuota ?? cloud.instanceQuota,
      used: existing.length - ofSpot.length,
    },
    ...(spotQuota === undefined
      ? []
      : [
          {
            unit: 'instances',
            name: 'spot instances',
            market: 'spot',
            limit: spotQuota,
            used: ofSpot.length,
          } as const,
        ]),
    ...(vcpuQuota === undefined
      ? []
      : [{ unit: 'vcpus', name: 'vCPUs', limit: vcpuQuota, used: sumOfVcpus(target, existing) } as const]),
    ...(cloud.networkQuota === undefined
      ? []
      : [{ unit: 'networks', name: 'networks', limit: cloud.networkQuota, used: networks.length } as const]),
  ];
}

/** Returns the number of vCPUs of an instance type. */
export const vcpusOf = ({ cloud }: Pick<Target, 'cloud'>, instanceType: string): number =>
  cloud.instanceTypes[instanceType]?.vcpus ?? 0;

const sumOfVcpus = (target: Target, records: readonly InstanceRecord[]): number =>
  records.reduce((sum, { instanceType }) => sum + vcpusOf(target, instanceType), 0);

/** Returns true for an instance that a quota of spot instances counts. */
const isOfSpot = ({ cloud }: Target, market: InstanceRecord['market']): boolean =>
  cloud.spot?.instanceQuota !== undefined && market === 'spot';
