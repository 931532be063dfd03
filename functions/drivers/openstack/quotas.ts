import * as z from 'zod';
import type { Quota, QuotaUnit } from '../../model/quota.ts';
import { DriverError, type DriverErrorCode } from '../contract/errors.ts';
import type { Region } from './region.ts';

const MB_PER_GB = 1_024;
/**
 * Errors which mean that a cloud lacks a call, or denies it to members of a project. The quotas that the call would
 * tell are then unknown.
 */
const TELLS_NOTHING: readonly DriverErrorCode[] = ['Forbidden', 'InvalidRequest', 'NotFound', 'Unsupported'];

type Answers = Pick<Region, 'call' | 'projectId' | 'hasVolumes'>;

/** A figure of a quota. Services write -1 for an unlimited quota, and leave out what they do not count. */
const figure = z.number().nullish().catch(undefined);
const absoluteSchema = z.object({ limits: z.object({ absolute: z.record(z.string(), figure) }) });
type Figures = z.infer<typeof absoluteSchema>['limits']['absolute'];

/** Reads the project's quotas from Nova, Neutron and Cinder. Leaves out unlimited quotas. */
export async function readQuotas(region: Answers): Promise<Quota[]> {
  const [compute, network, volume] = await Promise.all([
    readLimits(region, 'compute'),
    readNetworkQuotas(region),
    readVolumeLimits(region),
  ]);
  return [...ofNova(compute), ...network, ...ofCinder(volume)];
}

async function readLimits(region: Answers, service: 'compute' | 'volume'): Promise<Figures> {
  const call = { method: 'GET', path: ['limits'], answer: absoluteSchema, isOptional: true } as const;
  return (await region.call(service, call)).limits.absolute;
}

/** Nova counts key pairs by user, and does not report how many a user has. */
const ofNova = (told: Figures): Quota[] => [
  ...quotaOf('instances', 'instances', told['maxTotalInstances'], told['totalInstancesUsed']),
  ...quotaOf('vcpus', 'cores', told['maxTotalCores'], told['totalCoresUsed']),
  ...quotaOf('memoryGb', 'ram', told['maxTotalRAMSize'], told['totalRAMUsed'], MB_PER_GB),
  ...quotaOf('serverGroups', 'server_groups', told['maxServerGroups'], told['totalServerGroupsUsed']),
  ...quotaOf('keyPairs', 'key_pairs', told['maxTotalKeypairs'], undefined),
];

const ofCinder = (told: Figures): Quota[] => [
  ...quotaOf('volumes', 'volumes', told['maxTotalVolumes'], told['totalVolumesUsed']),
  ...quotaOf('volumeGb', 'gigabytes', told['maxTotalVolumeGigabytes'], told['totalGigabytesUsed']),
];

async function readVolumeLimits(region: Answers): Promise<Figures> {
  if (!(await region.hasVolumes())) return {};
  return await unlessUntold(readLimits(region, 'volume'), {});
}

/** Neutron's names of the quotas that launches and their networks can exceed. */
const OF_NEUTRON: readonly (readonly [string, QuotaUnit])[] = [
  ['port', 'networkInterfaces'],
  ['network', 'networks'],
  ['subnet', 'subnets'],
  ['router', 'gateways'],
  ['security_group', 'securityGroups'],
  ['security_group_rule', 'securityGroupRules'],
  ['floatingip', 'publicIps'],
];
const detailsSchema = z.object({
  quota: z.record(z.string(), z.object({ limit: figure, used: figure, reserved: figure }).catch({})),
});
const plainSchema = z.object({ quota: z.record(z.string(), figure) });

/** Reads Neutron's quotas with their usage. A cloud without the extension `quota_details` tells the limits alone. */
async function readNetworkQuotas(region: Answers): Promise<Quota[]> {
  const path = ['quotas', await region.projectId()];
  const details = await unlessUntold(
    region.call('network', {
      method: 'GET',
      path: [...path, 'details'],
      answer: detailsSchema,
      isOptional: true,
    }),
    undefined,
  );
  if (details) {
    return OF_NEUTRON.flatMap(([name, unit]) => {
      const { limit, used, reserved } = details.quota[name] ?? {};
      return quotaOf(unit, name, limit, used == null ? undefined : used + (reserved ?? 0));
    });
  }
  const plain = await unlessUntold(
    region.call('network', { method: 'GET', path, answer: plainSchema, isOptional: true }),
    undefined,
  );
  return OF_NEUTRON.flatMap(([name, unit]) => quotaOf(unit, name, plain?.quota[name], undefined));
}

async function unlessUntold<Answer, Otherwise>(
  asked: Promise<Answer>,
  otherwise: Otherwise,
): Promise<Answer | Otherwise> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof DriverError && TELLS_NOTHING.includes(error.code)) return otherwise;
    throw error;
  }
}

/** Returns one quota; none if it is unlimited, or if the service does not count this. */
function quotaOf(
  unit: QuotaUnit,
  name: string,
  limit: number | null | undefined,
  used: number | null | undefined,
  divisor = 1,
): Quota[] {
  if (limit == null || limit < 0) return [];
  const isTold = used != null && used >= 0;
  return [{ unit, name, limit: limit / divisor, ...(isTold ? { used: used / divisor } : {}) }];
}
