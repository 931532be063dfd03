import { expect, it } from 'vitest';
import { outcomesOf } from '../../../../functions/features/history/record-history.ts';
import type { NodeGroup } from '../../../../functions/model/fleet.ts';
import { layOut } from '../../../../functions/platform/placement/lay-out.ts';
import { record } from '../../../samples/records.ts';

const group: NodeGroup = {
  name: 'web',
  size: 5,
  connection: 'sim-aws',
  driver: 'sim',
  cloud: 'aws',
  locations: ['us-east-1'],
  instanceType: 'm7i.large',
  image: 'ubuntu',
  imageBackendIds: {},
  pricesUsdPerHour: {},
};
const size = { vcpus: 2, gpus: 0, memoryGb: 8, pricesUsdPerHour: {} };
const several = {
  ...group,
  types: [
    { name: 'm7i.large', ...size },
    { name: 'm6i.large', ...size },
  ],
};
const placementOf = (one: NodeGroup) => {
  const [placement] = layOut({
    fleetId: 'f0123456789abcdef',
    namespace: 'team',
    name: 'web',
    nodeGroups: [one],
  });
  if (!placement) throw new Error('no placement');
  return placement;
};
const ran = (instanceType: string, seconds: number) =>
  record({ status: 'Running', instanceType, runningAt: new Date(seconds * 1_000).toISOString() });

it('an instance counts for the type of its last attempt, and without an attempt for the first type', () => {
  const failure = { code: 'InsufficientCapacity', message: '' };
  const records = [
    ran('m7i.large', 10),
    ran('m6i.large', 20),
    ran('m6i.large', 30),
    record({ status: 'Failed', instanceType: 'm6i.large', failure }),
  ];
  const common = { cloud: 'aws', location: 'us-east-1', market: 'on-demand', image: 'ubuntu' };
  expect(outcomesOf(placementOf(several), records)).toEqual([
    {
      ...common,
      instanceType: 'm7i.large',
      requested: 2,
      running: 1,
      failed: {},
      secondsToRunning: { p50: 10, p95: 10 },
    },
    {
      ...common,
      instanceType: 'm6i.large',
      requested: 3,
      running: 2,
      failed: { InsufficientCapacity: 1 },
      secondsToRunning: { p50: 20, p95: 30 },
    },
  ]);
});

it('spot and on-demand instances of one type count apart', () => {
  const markets = ['spot' as const, 'on-demand' as const];
  const spot = { ...group, markets, spotPricesUsdPerHour: { 'us-east-1': 0.1 } };
  const records = [
    record({ status: 'Failed', market: 'spot', failure: { code: 'SpotInterrupted', message: '' } }),
    { ...ran('m7i.large', 10), market: 'on-demand' as const },
  ];
  expect(outcomesOf(placementOf(spot), records)).toMatchObject([
    { market: 'spot', requested: 4, running: 0, failed: { SpotInterrupted: 1 } },
    { market: 'on-demand', requested: 1, running: 1, failed: {} },
  ]);
});

it('a machine whose type a user changed counts for the type that the node group asked for', () => {
  const records = [ran('m7i.metal', 10)];
  expect(outcomesOf(placementOf(group), records)).toMatchObject([
    { instanceType: 'm7i.large', requested: 5, running: 1 },
  ]);
});
