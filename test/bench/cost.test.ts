import { expect, test } from 'vitest';
import { costDocument } from '../../bench/cost/cost-document.ts';
import { countKeptHours } from '../../bench/cost/hours.ts';
import { countLaunches } from '../../bench/cost/launches.ts';
import type { PhaseCounts } from '../../bench/measure/cost.ts';
import { createSingles } from '../../bench/networks/networks.ts';
import { Capacity, sizeOf } from '../chaos/models/dynamo/capacity.ts';

const COUNTS: PhaseCounts = {
  instances: 100,
  apiRequests: 50,
  cloudCalls: 150,
  readUnits: 400,
  writeUnits: 1_100,
  sqsRequests: 500,
  transitions: 120,
  invocations: 60,
  gbSeconds: 12,
  logBytes: 40_000,
};

test('costDocument computes the dollars per launch and per instance hour from the counts', () => {
  const kept = { ...COUNTS, instances: 1_000, instanceHours: 2_000, locations: 53, transitions: 0 };
  const document = costDocument({
    launch: COUNTS,
    kept,
    cases: [{ name: 'some', use: { ...COUNTS, instances: 50 } }],
    functions: [{ name: 'drivers-sim-sim', peakMemoryMb: 140 }],
  });
  expect(document).toMatchObject({
    stateTransitionsPerLaunch: 1.2,
    writeUnitsPerLaunch: 11,
    functions: [{ name: 'drivers-sim-sim', peakMemoryMb: 140 }],
    perLaunch: { readUnits: 4, cloudCalls: 1.5 },
    per1000InstanceHours: { writeUnits: 550 },
    cases: [{ case: 'some', launches: 50, stateTransitionsPerLaunch: 2.4, perLaunch: { cloudCalls: 3 } }],
    stableFleet: { instances: 1_000, locations: 53, hours: 2 },
  });
  // Per 1,000 launches, at prices per million: 11,000 writes at $0.625, 4,000 reads at $0.125, 5,000 requests
  // at $0.40, 1,200 transitions at $25, 600 invocations at $0.20, 120 GB-s at $13.3334 and 500 requests
  // to the API at $1. Also 400 KB of logs at $0.50 a GB.
  expect(document.usdPer1000Launches).toBeCloseTo(
    0.006875 + 0.0005 + 0.002 + 0.03 + 0.00012 + 0.0016 + 0.0005 + 0.0002,
    4,
  );
  expect(document.usdPer1000InstanceHours).toBeLessThan(document.usdPer1000Launches / 15);
});

test('capacity units are rounded up for each answer of a read and each written item', () => {
  const capacity = new Capacity();
  const item = { pk: 'a', text: 'x'.repeat(3_000) };
  expect(sizeOf(item)).toBe(2 + 1 + 4 + 3_000);
  capacity.read([item, item, item], false);
  expect(capacity.readUnits).toBe(1.5);
  capacity.read([], true);
  expect(capacity.readUnits).toBe(2.5);
  capacity.write(undefined, item, false);
  capacity.write(item, undefined, true);
  expect(capacity.writeUnits).toBe(9);
  capacity.writeIndex({ sk: 'a' }, { sk: 'a' }, false);
  capacity.writeIndex({ sk: 'a' }, { sk: 'b' }, true);
  expect(capacity.writeUnits).toBe(11);
});

test('countKeptHours counts the calls, capacity units and log bytes of a running fleet', {
  timeout: 180_000,
}, async () => {
  const asked = { instances: 60, hours: 1, seed: 1, logBytesPerInvocation: 500 };
  const counted = await countKeptHours(asked);
  expect(counted).toMatchObject({ instanceHours: 60, transitions: 0 });
  expect(counted.locations).toBeGreaterThan(40);
  // The poll lists each location once a minute.
  expect(counted.cloudCalls).toBeGreaterThan(counted.locations * 55);
  expect(counted.readUnits).toBeGreaterThan(counted.cloudCalls / 2);
  expect(counted.logBytes).toBe(counted.invocations * 500);
});

test('countLaunches counts what launches use until their workflows have ended', {
  timeout: 60_000,
}, async () => {
  const asked = { seed: 1, logBytesPerInvocation: 500, unlimitedServices: false };
  const request = { fleets: 4, withinSeconds: 8, mode: 'shared' } as const;
  const use = await countLaunches(asked, 4, async (stack) => {
    await createSingles(stack, request, 'us-east-1');
  });
  // Each fleet of one takes five transitions.
  expect(use).toMatchObject({ instances: 4, apiRequests: 4, transitions: 20 });
  expect(use.writeUnits).toBeGreaterThan(4 * 10);
  expect(use.cloudCalls).toBeGreaterThanOrEqual(4);
});
