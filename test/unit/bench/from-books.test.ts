import { expect, test } from 'vitest';
import { measureRun } from '../../../bench/ideal/from-books.ts';

const STARTED_AT = '2026-01-01T00:00:00.000Z';
const at = (seconds: number) => new Date(Date.parse(STARTED_AT) + seconds * 1_000).toISOString();
const LIMITS = {
  aws: { locationSlots: 30, instanceSlotsPerLocation: 1, createsPerSecond: 10, createBurst: 10 },
};

function booked(id: string, acceptedAt: number, runningAt: number | undefined, deployment = 'd') {
  return {
    backendId: `b-${id}-${acceptedAt}`,
    tags: { 'fleetwright:deployment': deployment, 'fleetwright:instance': id },
    acceptedAt: at(acceptedAt),
    submitMs: 1_000,
    bootMs: 4_000,
    ...(runningAt === undefined ? {} : { runningAt: at(runningAt) }),
  };
}

function measure(instances: object[], over = {}) {
  const books = { clouds: [{ cloud: 'aws', connection: 'c', location: 'l', instances }], accounts: [] };
  return measureRun({ books, limits: LIMITS, startedAt: STARTED_AT, ...over });
}

test('the ideal time of two instances with only one slot is the sum of the times for which the instances use the slot', () => {
  expect(measure([booked('f1-00000', 2, 7), booked('f1-00001', 9, 14)])).toEqual({
    instances: 2,
    idealSeconds: 10,
    makespanSeconds: 14,
    ratio: 1.4,
    clouds: [{ cloud: 'aws', idealSeconds: 10 }],
  });
});

test('for each instance, measureRun uses the first attempt that became Running; an instance without such an attempt is left out', () => {
  const attempts = [booked('f1-00000', 1, undefined), booked('f1-00000', 3, 8), booked('f1-00000', 4, 30)];
  expect(measure([...attempts, booked('f1-00001', 1, undefined)])).toMatchObject({
    instances: 1,
    idealSeconds: 5,
    makespanSeconds: 8,
  });
});

test('instances of earlier runs, other deployments and other fleets are left out of the measurement', () => {
  const instances = [
    booked('f1-00000', -20, 50),
    booked('f1-00001', 1, 60, 'other'),
    booked('f2-00000', 1, 70),
    booked('f1-00002', 1, 6),
  ];
  const over = { deploymentId: 'd', fleetIds: ['f1'] };
  expect(measure(instances, over)).toMatchObject({ instances: 1, makespanSeconds: 6 });
  expect(measure([], over)).toMatchObject({ instances: 0, idealSeconds: 0, makespanSeconds: 0, ratio: null });
});

test('the measurement fails if the limits of a cloud are not known', () => {
  expect(() => measure([booked('f1-00000', 1, 6)], { limits: {} })).toThrow(
    'no limits are known for cloud aws',
  );
});
