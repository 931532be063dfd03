import { describe, expect, it } from 'vitest';
import { checkQuotas, type QuotaDemand } from '../../../../functions/features/fleets/check-quotas.ts';
import type { Connection } from '../../../../functions/model/connection.ts';
import type { GroupType } from '../../../../functions/model/fleet.ts';
import type { Market } from '../../../../functions/model/market.ts';
import type { Quota, QuotaReading } from '../../../../functions/model/quota.ts';

const NOON = '2026-01-02T12:00:00.000Z';
const NOW_MS = Date.parse(NOON);

const connection = (name: string, driver: 'aws' | 'openstack' = 'aws'): Connection => ({
  namespace: 'default',
  name,
  id: 'c0000000000000000',
  driver,
  cloud: driver,
  status: 'Ready',
  createdAt: '2026-01-01T00:00:00Z',
});
const AWS = connection('main');
const STACK = connection('stack', 'openstack');

const typed = (name: string, vcpus: number, memoryGb = vcpus * 4): GroupType => ({
  name,
  vcpus,
  gpus: 0,
  memoryGb,
  pricesUsdPerHour: { 'us-east-1': vcpus / 20 },
  spotPricesUsdPerHour: { 'us-east-1': vcpus / 60 },
});
const M = typed('m6i.xlarge', 4);
const G = typed('g5.xlarge', 4);
const P = typed('p5.48xlarge', 192);

type Fields = Partial<Omit<QuotaDemand, 'choice'>> & { types?: GroupType[]; markets?: Market[] };

/** Returns the node group with index `at`: ten m6i.xlarge in us-east-1. */
const group = (at: number, { types = [M], markets, ...fields }: Fields = {}): QuotaDemand => ({
  pointer: `/nodeGroups/${at}`,
  connection: AWS,
  size: 10,
  locations: ['us-east-1'],
  choice: {
    instanceType: types[0]?.name ?? '',
    types,
    pricesUsdPerHour: {},
    ...(markets ? { markets } : {}),
  },
  disks: {},
  ...fields,
});
const vcpus = (limit: number, fields: Partial<Quota> = {}): Quota => ({
  unit: 'vcpus',
  name: 'Running On-Demand Standard instances',
  instanceClass: 'Standard',
  market: 'on-demand',
  code: 'L-1216C47A',
  limit,
  ...fields,
});
const at = (location: string, quotas: Quota[], readAt = NOON): QuotaReading => ({ location, readAt, quotas });

const check = (demands: QuotaDemand[], readings: QuotaReading[], name = 'main') =>
  checkQuotas(demands, new Map([[name, readings]]), NOW_MS);
const errorsOf = (...args: Parameters<typeof check>) =>
  check(...args).errors.map(({ pointer, code }) => `${pointer} ${code}`);
const warningsOf = (...args: Parameters<typeof check>) =>
  check(...args).warnings.map(({ pointer, code }) => `${pointer} ${code}`);

describe('a node group that needs more vCPUs than the quota allows', () => {
  it('is refused with quota, code, limit, need, and how to raise it', () => {
    const { errors } = check([group(0)], [at('us-east-1', [vcpus(5, { used: 1 })])]);
    expect(errors).toEqual([
      { pointer: '/nodeGroups/0/size', code: 'above-quota', message: expect.any(String) },
    ]);
    expect(errors[0]?.message).toMatch(
      /^the quota "Running On-Demand Standard instances" in us-east-1 \(L-1216C47A, limit 5 vCPUs, 1 used\) of connection main allows 5 vCPUs; the fleet needs 40 vCPUs there\. .*Service Quotas.*https:.*`fleetwright connection sync-inventory main`/,
    );
  });

  it('is accepted with exactly what the quota allows', () => {
    expect(errorsOf([group(0)], [at('us-east-1', [vcpus(40)])])).toEqual([]);
  });

  it('is accepted if its locations have enough together, or one of them has no known quota', () => {
    const both = group(0, { locations: ['us-east-1', 'us-west-2'] });
    const east = at('us-east-1', [vcpus(20)]);
    expect(errorsOf([both], [east, at('us-west-2', [vcpus(20)])])).toEqual([]);
    expect(errorsOf([both], [east, at('us-west-2', [vcpus(16)])])).toEqual([
      '/nodeGroups/0/size above-quota',
    ]);
    expect(errorsOf([both], [east])).toEqual([]);
    expect(errorsOf([both], [east, at('us-west-2', [vcpus(0, { instanceClass: 'P' })])])).toEqual([]);
  });

  it('is refused if whole instances do not fit, although the vCPUs of all locations together would do', () => {
    const both = group(0, { locations: ['us-east-1', 'us-west-2'], size: 5 });
    const readings = ['us-east-1', 'us-west-2'].map((location) => at(location, [vcpus(10)]));
    expect(errorsOf([both], readings)).toEqual(['/nodeGroups/0/size above-quota']);
    expect(errorsOf([{ ...both, size: 4 }], readings)).toEqual([]);
  });

  it('is not refused by quotas of another class, another market or another connection', () => {
    const others = [
      vcpus(0, { instanceClass: 'P' }),
      vcpus(0, { market: 'spot' }),
      vcpus(0, { instanceClass: 'P2, P3 and P4', market: 'spot' }),
    ];
    expect(errorsOf([group(0)], [at('us-east-1', others)])).toEqual([]);
    expect(errorsOf([group(0)], [at('us-east-1', [vcpus(0)])], 'other')).toEqual([]);
  });
});

describe('several node groups of one connection', () => {
  it('are counted together at their locations, and the error points at the first that does not fit', () => {
    const readings = [at('us-east-1', [vcpus(100)]), at('us-west-2', [vcpus(40)])];
    const west = group(1, { locations: ['us-west-2'] });
    expect(errorsOf([group(0), west, group(2)], readings)).toEqual([]);
    expect(errorsOf([group(0), west, group(2), group(3)], readings)).toEqual([
      '/nodeGroups/3/size above-quota',
    ]);
  });

  it('are spread so that each fits, whatever their order', () => {
    const readings = [at('us-east-1', [vcpus(40)]), at('us-west-2', [vcpus(40)])];
    const both = group(0, { locations: ['us-east-1', 'us-west-2'] });
    expect(errorsOf([both, group(1)], readings)).toEqual([]);
    expect(errorsOf([group(0), { ...both, pointer: '/nodeGroups/1' }], readings)).toEqual([]);
    expect(errorsOf([both, group(1), group(2)], readings)).toEqual(['/nodeGroups/2/size above-quota']);
  });

  it('of different classes do not share a quota', () => {
    const quotas = [vcpus(40), vcpus(40, { instanceClass: 'G and VT', code: 'L-DB2E81BA' })];
    expect(errorsOf([group(0), group(1, { types: [G] })], [at('us-east-1', quotas)])).toEqual([]);
  });
});

describe('a node group with several types or markets', () => {
  it('counts with its smallest type in the class', () => {
    const types = [typed('m6i.4xlarge', 16), typed('c6i.large', 2)];
    expect(errorsOf([group(0, { types })], [at('us-east-1', [vcpus(20)])])).toEqual([]);
    expect(errorsOf([group(0, { types })], [at('us-east-1', [vcpus(19)])])).toEqual([
      '/nodeGroups/0/size above-quota',
    ]);
  });

  it('counts no type at a location that does not offer it', () => {
    const types = [M, { ...typed('c6i.large', 2), notOfferedIn: ['us-east-1'] }];
    expect(errorsOf([group(0, { types })], [at('us-east-1', [vcpus(39)])])).toEqual([
      '/nodeGroups/0/size above-quota',
    ]);
  });

  it('may use the quotas of all its classes side by side, and is refused beyond them', () => {
    const types = [P, G];
    const quotas = [
      vcpus(192, { instanceClass: 'P', name: 'Running On-Demand P instances', code: 'L-417A185B' }),
      vcpus(36, { instanceClass: 'G and VT', name: 'Running On-Demand G and VT instances' }),
    ];
    expect(errorsOf([group(0, { types })], [at('us-east-1', quotas)])).toEqual([]);
    const { errors } = check([group(0, { types, size: 11 })], [at('us-east-1', quotas)]);
    expect(errors.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/nodeGroups/0/size', 'above-quota'],
    ]);
    expect(errors[0]?.message).toContain('L-417A185B');
    expect(errors[0]?.message).toContain('allow 10 instances of this node group; it has 11.');
    expect(errorsOf([group(0, { types: [...types, M], size: 11 })], [at('us-east-1', quotas)])).toEqual([]);
  });

  it('needs the quota of spot machines only if it may be bought as spot alone', () => {
    const readings = [at('us-east-1', [vcpus(5, { market: 'spot' }), vcpus(100)])];
    expect(errorsOf([group(0, { markets: ['spot'] })], readings)).toEqual(['/nodeGroups/0/size above-quota']);
    expect(errorsOf([group(0, { markets: ['spot', 'on-demand'] })], readings)).toEqual([]);
    const none = [at('us-east-1', [vcpus(0, { market: 'spot' }), vcpus(0)])];
    expect(errorsOf([group(0, { markets: ['reserved'] })], none)).toEqual([]);
  });
});

it('a type that costs more than the node group allows does not count', () => {
  const types = [M, { ...typed('c6i.large', 2), pricesUsdPerHour: { 'us-east-1': 9 } }];
  const small = group(0, { types });
  const readings = [at('us-east-1', [vcpus(20)])];
  expect(errorsOf([small], readings)).toEqual([]);
  const cheap = { ...small, choice: { ...small.choice, maxUsdPerHour: 1 } };
  expect(errorsOf([cheap], readings)).toEqual(['/nodeGroups/0/size above-quota']);
});

describe('the other quotas', () => {
  const stack = (fields: Fields) => group(0, { connection: STACK, locations: ['RegionOne'], ...fields });
  const types = [typed('m1.large', 4, 8)];
  it.each<[string, Quota, Fields, number, number]>([
    ['instances', { unit: 'instances', name: 'instances', limit: 9 }, {}, 9, 10],
    ['vCPUs of all types', { unit: 'vcpus', name: 'cores', limit: 20 }, {}, 5, 6],
    ['memory', { unit: 'memoryGb', name: 'ram', limit: 50 }, {}, 6, 7],
    ['ports', { unit: 'networkInterfaces', name: 'port', limit: 3 }, {}, 3, 4],
    [
      'volumes, with data disks and root disks of a type',
      { unit: 'volumes', name: 'volumes', limit: 10 },
      {
        disks: {
          rootDisk: { sizeGb: 20, type: 'ssd' },
          dataDisks: [{ sizeGb: 5, deleteOnTermination: true }],
        },
      },
      5,
      6,
    ],
    [
      'GB of volumes, without root disks that the flavor may have',
      { unit: 'volumeGb', name: 'gigabytes', limit: 100 },
      { disks: { rootDiskGb: 1_000, dataDisks: [{ sizeGb: 50, deleteOnTermination: true }] } },
      2,
      3,
    ],
  ])('refuse a node group that needs too many: %s', (_what, quota, fields, fits, tooMany) => {
    const readings = [at('RegionOne', [quota])];
    expect(errorsOf([stack({ types, ...fields, size: fits })], readings, 'stack')).toEqual([]);
    expect(errorsOf([stack({ types, ...fields, size: tooMany })], readings, 'stack')).toEqual([
      '/nodeGroups/0/size above-quota',
    ]);
  });

  it('count the disks of a type by that type, and disks without a type as the default type of the driver', () => {
    const of = (diskType: string, limit: number): Quota => ({
      unit: 'volumeGb',
      name: `Storage for ${diskType}`,
      diskType,
      limit,
    });
    const disks = {
      rootDiskGb: 100,
      dataDisks: [{ sizeGb: 50, type: 'io2', iops: 100, deleteOnTermination: true }],
    };
    const errors = (gp3: number, io2: number) =>
      errorsOf([group(0, { disks })], [at('us-east-1', [of('gp3', gp3), of('io2', io2)])]);
    expect(errors(1_000, 500)).toEqual([]);
    expect(errors(999, 500)).toHaveLength(1);
    expect(errors(1_000, 499)).toHaveLength(1);
  });

  it('of networks, gateways, groups and keys refuse nothing, because fleets may share these', () => {
    const none = (['networks', 'gateways', 'securityGroups', 'keyPairs', 'publicIps'] as const).map(
      (unit): Quota => ({ unit, name: unit, limit: 0 }),
    );
    expect(check([group(0)], [at('us-east-1', none)])).toEqual({ errors: [], warnings: [] });
  });

  it('refuse nothing if the vCPUs of a type are not known', () => {
    expect(errorsOf([group(0, { types: [typed('m6i.xlarge', 0)] })], [at('us-east-1', [vcpus(1)])])).toEqual(
      [],
    );
  });
});

describe('a warning of a short quota', () => {
  it('tells of a node group that fits the limit, but not what is left of it', () => {
    const readings = [at('us-east-1', [vcpus(64, { used: 30 })])];
    const { errors, warnings } = check([group(0)], readings);
    expect(errors).toEqual([]);
    expect(warnings.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/nodeGroups/0/size', 'quota-short'],
    ]);
    expect(warnings[0]?.message).toContain('(L-1216C47A, limit 64 vCPUs, 30 used)');
    expect(warnings[0]?.message).toContain('has room for 34 vCPUs; the fleet needs 40 vCPUs there');
  });

  it('is not given where enough is left, or where the usage is not known', () => {
    for (const quota of [vcpus(64, { used: 24 }), vcpus(40)])
      expect(warningsOf([group(0)], [at('us-east-1', [quota])])).toEqual([]);
  });

  it('counts a usage above the limit as nothing left', () => {
    expect(warningsOf([group(0, { size: 1 })], [at('us-east-1', [vcpus(40, { used: 64 })])])).toEqual([
      '/nodeGroups/0/size quota-short',
    ]);
  });

  it('takes the place of an error if the quotas were read more than a day ago', () => {
    const readings = (readAt: string) => [at('us-east-1', [vcpus(5)], readAt)];
    expect(errorsOf([group(0)], readings('2026-01-01T12:00:00.000Z'))).toHaveLength(1);
    expect(errorsOf([group(0)], readings('2026-01-01T11:59:59.000Z'))).toEqual([]);
    expect(warningsOf([group(0)], readings('2026-01-01T11:59:59.000Z'))).toEqual([
      '/nodeGroups/0/size quota-short',
    ]);
  });

  it('is not given where quotas were never read', () => {
    const failure = { code: 'Forbidden', message: 'denied', at: NOON };
    expect(check([group(0)], [{ location: 'us-east-1', failure, quotas: [] }])).toEqual({
      errors: [],
      warnings: [],
    });
  });
});

it('a message about many quotas names three of them, and what the provider does not raise', () => {
  const locations = Array.from({ length: 5 }, (_, index) => `r-${index}`);
  const { errors } = check(
    [group(0, { locations })],
    locations.map((location) => at(location, [vcpus(4, { isAdjustable: false })])),
  );
  expect(errors[0]?.message).toMatch(
    /r-0 .* r-1 .* r-2 .* and 2 more of connection main allow 20 vCPUs together/,
  );
  expect(errors[0]?.message).toContain('The provider does not raise this.');
});
