import { describe, expect, it } from 'vitest';
import { appliedLimitsOf } from '../../../functions/model/applied-limits.ts';
import { limitProfileOf, limitsAt } from '../../../functions/model/limits-in-force.ts';
import type { Quota, QuotaUnit } from '../../../functions/model/quota.ts';

const quota = (unit: QuotaUnit, limit: number): Quota => ({ unit, name: unit, limit });
const rates = (perSecond: number, burst: number) => [
  quota('vcpus', 64),
  quota('createCallsPerSecond', perSecond),
  quota('createCallsAtOnce', burst),
];

describe('limits that quotas of an account state', () => {
  it.each<[string, Quota[], unknown]>([
    ['a burst and a rate', rates(6, 15), { calls: { create: { perSecond: 6, burst: 15 } } }],
    ['a burst below the rate', rates(6, 3), { calls: { create: { perSecond: 6, burst: 6 } } }],
    ['a rate without a burst', rates(6, 15).slice(0, 2), undefined],
    ['a rate of zero', rates(0, 15), undefined],
    ['a burst of no call', rates(6, 0), undefined],
    ['a rate without end', rates(1e9, 1e9), undefined],
    ['no rates', [quota('vcpus', 64)], undefined],
  ])('with %s are those with which calls can be paced', (_what, quotas, limits) => {
    expect(appliedLimitsOf(quotas)).toEqual(limits);
  });

  const appliedLimits = {
    'us-east-1': { calls: { create: { perSecond: 6, burst: 15 } } },
    'eu-west-1': { calls: { create: { perSecond: 1, burst: 2 } } },
  };
  const connection = { driver: 'aws', cloud: 'aws', appliedLimits } as const;
  const createAt = (location: string, ...override: Parameters<typeof limitProfileOf>[1][]) =>
    limitsAt(limitProfileOf(connection, override[0]), location).calls.create;

  it('raise and lower the default limits at their locations, and change no other tier', () => {
    expect(createAt('us-east-1')).toEqual({ perSecond: 6, burst: 15 });
    expect(createAt('eu-west-1')).toEqual({ perSecond: 1, burst: 2 });
    expect(createAt('us-west-2')).toEqual({ perSecond: 2, burst: 5 });
    expect(createAt('us-east-1', { tier: 'cautious' })).toEqual({ perSecond: 5, burst: 20 });
    expect(createAt('us-east-1', { createsPerDay: 100 })).toEqual({ perSecond: 6, burst: 15 });
  });

  it('do not change what the user wrote, for all locations or for one', () => {
    const create = { perSecond: 0.5, burst: 1 };
    expect(createAt('us-east-1', { calls: { create } })).toEqual(create);
    expect(createAt('us-east-1', { minimumSpacingMs: 2_000 })).toEqual({ perSecond: 0.5, burst: 5 });
    expect(createAt('us-east-1', { locations: { 'us-east-1': { calls: { create } } } })).toEqual(create);
    const machines = { instances: { perSecond: 6, burst: 1_000 } };
    const override = { locations: { 'us-east-1': machines } };
    expect(limitsAt(limitProfileOf(connection, override), 'us-east-1')).toMatchObject({
      ...machines,
      calls: { create: { perSecond: 6 } },
    });
    expect(createAt('eu-west-1', override)).toEqual({ perSecond: 1, burst: 2 });
  });
});
