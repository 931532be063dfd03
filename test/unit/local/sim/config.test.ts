import { describe, expect, test } from 'vitest';
import { instanceTypeSchema, locationSchema } from '../../../../functions/model/cloud.ts';
import { cloudWordSchema } from '../../../../functions/model/identifiers.ts';
import { CAUTIOUS_PROFILES } from '../../../../functions/model/peer-limits.ts';
import { loadSimConfig, parseSimConfig, SimConfigError } from '../../../../local/sim/engine/config.ts';

const { clouds } = loadSimConfig();

/**
 * Published figures of each cloud, in this order: number of locations, slots (locations, instances per
 * location), creates per second with burst, lists per second, submit time in ms, boot time in s, instance quota.
 */
const CONTRACT = {
  aws: [12, [30, 20], [5, 20], 10, [200, 600], [6, 14], 200],
  azure: [8, [30, 20], [4, 12], 8, [400, 1200], [10, 20], 150],
  gcp: [10, [30, 20], [6, 20], 12, [150, 500], [5, 12], 200],
  alibaba: [6, [30, 20], [4, 10], 6, [300, 900], [8, 16], 100],
  tencent: [5, [30, 20], [3, 10], 5, [300, 900], [8, 18], 100],
  ibm: [5, [30, 20], [3, 8], 5, [500, 1500], [10, 20], 100],
  ncp: [2, [5, 15], [2, 5], 3, [500, 1500], [10, 20], 60],
  openstack: [5, [30, 20], [3, 10], 5, [200, 700], [6, 14], 100],
};

test('the default simulated clouds have exactly the published figures', () => {
  const figures = Object.entries(clouds).map(([name, cloud]) => [
    name,
    [
      Object.keys(cloud.locations).length,
      [cloud.slots.locations, cloud.slots.instancesPerLocation],
      [cloud.rates.create.perSecond, cloud.rates.create.burst],
      cloud.rates.list.perSecond,
      cloud.submitMs,
      cloud.bootSeconds,
      cloud.instanceQuota,
    ],
  ]);
  expect(Object.fromEntries(figures)).toEqual(CONTRACT);
  expect(Object.values(clouds).flatMap(({ locations }) => Object.keys(locations))).toHaveLength(53);
});

test('the default limit profiles equal the limits that the simulated clouds enforce', () => {
  const enforced = Object.entries(clouds).map(([name, { slots, rates }]) => [
    name,
    {
      concurrentLocations: slots.locations,
      concurrentInstancesPerLocation: slots.instancesPerLocation,
      calls: rates,
    },
  ]);
  expect(CAUTIOUS_PROFILES).toMatchObject(Object.fromEntries(enforced));
});

describe.each(Object.entries(clouds))('simulated cloud %s', (cloudName, cloud) => {
  test(`simulated cloud ${cloudName} has at least 12 instance types with prices, some with GPUs, and the well-known images`, () => {
    const types = Object.values(cloud.instanceTypes);
    expect(types.length).toBeGreaterThanOrEqual(12);
    expect(types.some(({ gpu }) => gpu)).toBe(true);
    expect(types.every(({ usdPerHour = 0 }) => usdPerHour > 0)).toBe(true);
    expect(Object.keys(cloud.images)).toEqual(
      expect.arrayContaining(['ubuntu-24.04', 'ubuntu-22.04', 'debian-12']),
    );
  });

  test(`simulated cloud ${cloudName} matches the schemas of functions/model, and restricts instance types only to its own locations`, () => {
    for (const [name, { priceFactor: _f, instanceQuota: _q, up, ...location }] of Object.entries(
      cloud.locations,
    )) {
      locationSchema.parse({ ...location, name, available: up });
    }
    for (const [name, { onlyIn = [], usdPerHour: _, ...type }] of Object.entries(cloud.instanceTypes)) {
      instanceTypeSchema.parse({ ...type, name });
      expect(Object.keys(cloud.locations)).toEqual(expect.arrayContaining(onlyIn));
    }
    for (const name of Object.keys(cloud.images)) cloudWordSchema.parse(name);
  });
});

describe('parseSimConfig', () => {
  test('an override changes only the values that it contains, and replaces both ends of a range', () => {
    const changed = parseSimConfig(
      { seed: 9, clouds: { aws: { bootSeconds: [1, 2], locations: { 'us-east-1': { instanceQuota: 5 } } } } },
      { clouds },
    );
    expect(changed.seed).toBe(9);
    expect(changed.clouds['aws']?.bootSeconds).toEqual([1, 2]);
    expect(changed.clouds['aws']?.locations['us-east-1']).toEqual({
      ...clouds['aws']?.locations['us-east-1'],
      instanceQuota: 5,
    });
    expect({ ...changed.clouds, aws: undefined }).toEqual({ ...clouds, aws: undefined });
  });

  test('an invalid override is refused with all of its invalid fields', () => {
    const wrong = { clouds: { aws: { bootSeconds: [9, 1], slotz: 3 } }, faults: [{ kind: 'meteor' }] };
    const refuse = () => parseSimConfig(wrong, { clouds });
    expect(refuse).toThrow(SimConfigError);
    expect(refuse).toThrow(/slotz[\s\S]*clouds\.aws\.bootSeconds[\s\S]*faults\[0\]\.kind/);
  });
});
