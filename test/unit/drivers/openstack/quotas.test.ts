import { describe, expect, it } from 'vitest';
import { DriverError, type DriverErrorCode } from '../../../../functions/drivers/contract/errors.ts';
import { readQuotas } from '../../../../functions/drivers/openstack/quotas.ts';
import type { Region } from '../../../../functions/drivers/openstack/region.ts';

type Answers = Readonly<Record<string, object | DriverErrorCode>>;

const NOVA = {
  limits: {
    rate: [],
    absolute: {
      maxTotalInstances: 10,
      totalInstancesUsed: 4,
      maxTotalCores: -1,
      totalCoresUsed: 16,
      maxTotalRAMSize: 51_200,
      totalRAMUsed: 8_192,
      maxServerGroups: 10,
      totalServerGroupsUsed: 1,
      maxTotalKeypairs: 100,
    },
  },
};
const DETAILS = {
  quota: {
    port: { limit: 500, used: 7, reserved: 2 },
    network: { limit: 0, used: 0, reserved: 0 },
    subnet: { limit: -1, used: 3, reserved: 0 },
    router: { limit: 10, used: 1, reserved: 0 },
    security_group: { limit: 10, used: 1, reserved: 0 },
    security_group_rule: { limit: 100, used: 4, reserved: 0 },
    floatingip: { limit: 50, used: 0, reserved: 0 },
    rbac_policy: { limit: 10, used: 0, reserved: 0 },
  },
};
const CINDER = {
  limits: {
    absolute: {
      maxTotalVolumes: 10,
      totalVolumesUsed: 2,
      maxTotalVolumeGigabytes: 1_000,
      totalGigabytesUsed: 40,
    },
  },
};

/** Reads the quotas of project p1 at a region that gives these answers, by service and path. */
async function read(answers: Answers, hasVolumes = true) {
  const asked: string[] = [];
  const region: Pick<Region, 'call' | 'projectId' | 'hasVolumes'> = {
    projectId: async () => 'p1',
    hasVolumes: async () => hasVolumes,
    async call(service, { path, answer }) {
      const what = `${service} ${path.join('/')}`;
      asked.push(what);
      const told = answers[what] ?? 'NotFound';
      if (typeof told === 'string') throw new DriverError(told, `${what} is refused`);
      return answer.parse(told);
    },
  };
  return { quotas: await readQuotas(region), asked };
}

const ALL: Answers = {
  'compute limits': NOVA,
  'network quotas/p1/details': DETAILS,
  'volume limits': CINDER,
};

describe('the quotas of an OpenStack project', () => {
  it('are those of Nova, Neutron and Cinder with their usage, without unlimited ones', async () => {
    const { quotas } = await read(ALL);
    expect(quotas).toEqual([
      { unit: 'instances', name: 'instances', limit: 10, used: 4 },
      { unit: 'memoryGb', name: 'ram', limit: 50, used: 8 },
      { unit: 'serverGroups', name: 'server_groups', limit: 10, used: 1 },
      { unit: 'keyPairs', name: 'key_pairs', limit: 100 },
      { unit: 'networkInterfaces', name: 'port', limit: 500, used: 9 },
      { unit: 'networks', name: 'network', limit: 0, used: 0 },
      { unit: 'gateways', name: 'router', limit: 10, used: 1 },
      { unit: 'securityGroups', name: 'security_group', limit: 10, used: 1 },
      { unit: 'securityGroupRules', name: 'security_group_rule', limit: 100, used: 4 },
      { unit: 'publicIps', name: 'floatingip', limit: 50, used: 0 },
      { unit: 'volumes', name: 'volumes', limit: 10, used: 2 },
      { unit: 'volumeGb', name: 'gigabytes', limit: 1_000, used: 40 },
    ]);
  });

  it.each<DriverErrorCode>(['NotFound', 'Forbidden', 'InvalidRequest'])(
    'have the limits of Neutron without usage if Neutron answers %s to the details',
    async (code) => {
      const plain = { quota: { port: 500, network: -1, router: 10 } };
      const { quotas } = await read({
        ...ALL,
        'network quotas/p1/details': code,
        'network quotas/p1': plain,
      });
      expect(
        quotas.filter(({ unit }) => ['networkInterfaces', 'networks', 'gateways'].includes(unit)),
      ).toEqual([
        { unit: 'networkInterfaces', name: 'port', limit: 500 },
        { unit: 'gateways', name: 'router', limit: 10 },
      ]);
    },
  );

  it('are those of Nova alone if Neutron and Cinder deny theirs', async () => {
    const { quotas } = await read({ 'compute limits': NOVA, 'volume limits': 'Forbidden' });
    expect(quotas.map(({ unit }) => unit)).toEqual(['instances', 'memoryGb', 'serverGroups', 'keyPairs']);
  });

  it('are read without a call to Cinder where the cloud has none', async () => {
    const { asked } = await read(ALL, false);
    expect(asked).toEqual(['compute limits', 'network quotas/p1/details']);
  });

  it('are unknown as a whole while a service fails, so that no part is taken for all', async () => {
    await expect(read({ ...ALL, 'network quotas/p1/details': 'Unavailable' })).rejects.toMatchObject({
      code: 'Unavailable',
    });
    await expect(read({ ...ALL, 'compute limits': 'Forbidden' })).rejects.toMatchObject({
      code: 'Forbidden',
    });
  });

  it('leave out figures that are no numbers, and a negative usage', async () => {
    const absolute = {
      maxTotalInstances: 'many',
      maxTotalCores: 20,
      totalCoresUsed: -3,
      maxTotalRAMSize: null,
    };
    const { quotas } = await read({ ...ALL, 'compute limits': { limits: { absolute } } }, false);
    expect(quotas.slice(0, 2)).toEqual([
      { unit: 'vcpus', name: 'cores', limit: 20 },
      { unit: 'networkInterfaces', name: 'port', limit: 500, used: 9 },
    ]);
  });
});
