import { expect, test } from 'vitest';
import { measureBulk } from '../../../bench/bulk/bulk.ts';
import { BULK_CASES, BULK_PLANS } from '../../../bench/bulk/cases.ts';
import { bulkDocumentSchema } from '../../../bench/bulk/document.ts';
import { type AskedMachine, timesOfCreation, timesOfRemoval } from '../../../bench/bulk/machines.ts';
import { createMeters, meteredCloud, removalMeters } from '../../../bench/bulk/metered-cloud.ts';
import { EC2_PROFILE } from '../../../functions/model/ec2-limits.ts';
import { instanceRecordSchema } from '../../../local/sim/engine/records.ts';

const SLOW = { timeout: 120_000 };
const SECOND = 1_000;

/** A machine that was accepted at once, booted for 30 s, and was removed at 100 s within 2 s. */
function machineOf(sequence: number, over: { askedAtMs?: number; likeness?: string } = {}): AskedMachine {
  const record = instanceRecordSchema.parse({
    cloud: 'aws',
    account: 'a',
    location: 'us-east-1',
    sequence,
    backendId: `i-${sequence}`,
    name: 'n',
    instanceType: 'm6i.large',
    imageId: 'ami',
    networkId: 'vpc',
    keyPairId: 'key',
    tags: {},
    privateIp: '10.0.0.1',
    acceptedAtMs: 0,
    submitMs: 0,
    bootMs: 30 * SECOND,
    failsToBoot: false,
    vanished: false,
    removeAskedAtMs: 100 * SECOND,
    terminatedAtMs: 102 * SECOND,
  });
  return { record, askedAtMs: 0, likeness: '', ...over };
}
const machines = (count: number) => Array.from({ length: count }, (_, at) => machineOf(at + 1));

test('the simulated cloud of the benchmark meters what EC2 publishes, without slots', () => {
  const cloud = meteredCloud();
  expect(createMeters(cloud)).toEqual({
    calls: EC2_PROFILE.calls.create,
    machines: EC2_PROFILE.instances,
    machinesPerCall: 100,
  });
  const { calls, instances } = EC2_PROFILE.actions?.['ec2:TerminateInstances'] ?? {};
  expect(removalMeters(cloud)).toMatchObject({ calls, machines: instances });
  expect(cloud.rates).toMatchObject({ list: EC2_PROFILE.calls.list, mutate: EC2_PROFILE.calls.mutate });
  expect(cloud.slots).toEqual({});
});

test('the ideal time of 10,000 machines in one region is within 1 % of 4,500 s and a boot', () => {
  const { idealSeconds, idealCalls } = timesOfCreation(meteredCloud(), machines(10_000));
  expect(Math.abs(idealSeconds / (4_500 + 30) - 1)).toBeLessThan(0.01);
  expect(idealCalls).toBeGreaterThanOrEqual(100);
});

test('1,000 machines in one region take ten ideal calls, the last of them after 2.5 s', () => {
  expect(timesOfCreation(meteredCloud(), machines(1_000))).toMatchObject({
    idealCalls: 10,
    idealSeconds: 32.5,
  });
});

test('requests for one machine each share ideal calls only if their machines are alike', () => {
  const singles = (alike: boolean) =>
    Array.from({ length: 20 }, (_, at) => machineOf(at + 1, { likeness: alike ? '' : `${at}` }));
  expect(timesOfCreation(meteredCloud(), singles(true)).idealCalls).toBe(1);
  expect(timesOfCreation(meteredCloud(), singles(false)).idealCalls).toBe(20);
});

test('the times of a removal are counted from its request until the machines are gone', () => {
  const removed = machines(3).map((one) => ({ ...one, askedAtMs: 98 * SECOND }));
  expect(timesOfRemoval(meteredCloud(), removed)).toMatchObject({
    acceptedSeconds: [2, 2, 2],
    idealAcceptedSeconds: [0],
    makespanSeconds: 4,
    idealSeconds: 2,
  });
});

test('the cases have the names and sizes of the document', () => {
  expect(BULK_CASES).toEqual([
    '1000-in-one-region',
    '850-in-one-region',
    '10000-over-10-regions',
    '10000-in-one-region',
    '300-alike-singles-in-a-minute',
    '300-different-singles-in-a-minute',
    'terminate-10000-over-10-regions',
  ]);
  expect(BULK_PLANS.filter(({ hasDefaultReserve }) => hasDefaultReserve).map((plan) => plan.case)).toEqual([
    '850-in-one-region',
  ]);
});

test('a small case has the shape of the document, with its baseline and the removal', SLOW, async () => {
  const plan = { case: 'small', instances: 30, regions: 2, removal: 'small-removal', hasBaseline: true };
  const cases = await measureBulk(plan, { seed: 3 });
  expect(bulkDocumentSchema.parse({ cases })).toEqual({ cases });
  const [created, removed] = cases;
  expect(created).toMatchObject({ case: 'small', instances: 30, idealCreateCalls: 2, throttled: 0 });
  // A call makes machines in one zone, and the regions have eight zones together.
  expect(created?.createCalls).toBeLessThanOrEqual(8);
  expect(created?.cautiousCreateCalls).toBeGreaterThanOrEqual(30);
  expect(created?.cautiousMakespanSeconds).toBeGreaterThan(created?.makespanSeconds ?? Infinity);
  expect(created?.acceptedSeconds).toBeLessThan(8);
  expect(removed).toMatchObject({ case: 'small-removal', instances: 30, createCalls: 0 });
  expect(removed?.cautiousCreateCalls).toBeUndefined();
});

test('requests for one machine each are measured by the 95th percentile', SLOW, async () => {
  const singles = { withinSeconds: 4, areAlike: false };
  const [row] = await measureBulk({ case: 'few', instances: 10, regions: 1, singles }, { seed: 3 });
  expect(row).toMatchObject({ case: 'few', instances: 10, idealCreateCalls: 10, createCalls: 10 });
  expect(row?.acceptedSeconds).toBeGreaterThanOrEqual(row?.idealAcceptedSeconds ?? Infinity);
});
