import { expect, it } from 'vitest';
import { perSecondOf } from '../../../../functions/model/rate.ts';
import {
  callRatesOf,
  createRates,
  rateLimitOf,
} from '../../../../functions/platform/governor/rate-limits.ts';
import { limits } from './wanted.ts';

const calls = { create: { perSecond: 2, burst: 6 }, list: { perSecond: 3, burst: 9 } };

it('creates have the limit profile’s rate and burst, unless pacing is `even` or `all-at-once`', () => {
  expect(createRates(limits({ calls })).calls).toEqual({ perSecond: 2, burst: 6 });
  expect(createRates(limits({ calls, pacing: 'even' })).calls).toEqual({ perSecond: 2, burst: 1 });
  expect(perSecondOf(createRates(limits({ calls, pacing: 'all-at-once' })).calls)).toBeGreaterThan(1_000);
});

it('minimumSpacingMs applies to creates, and not to list calls', () => {
  const spaced = limits({ calls, minimumSpacingMs: 700 });
  expect(rateLimitOf(spaced, 'create')).toEqual({ perSecond: 2, burst: 6, spacingMs: 700 });
  expect(rateLimitOf(spaced, 'list')).toEqual({ perSecond: 3, burst: 9 });
});

it('a reserve lowers all rates and windows, and no burst', () => {
  const reserved = limits({ calls, reserve: 0.1, instances: { perSecond: 10, burst: 100 } });
  expect(createRates(reserved)).toEqual({
    calls: { perSecond: 1.8, burst: 6 },
    machines: { perSecond: 9, burst: 100 },
  });
  const windows = limits({ calls: { list: { count: 100, windowSeconds: 60 } }, reserve: 0.25 });
  expect(rateLimitOf(windows, 'list')).toEqual({ count: 75, windowSeconds: 60 });
});

it('an action with buckets of its own does not use the bucket of its kind', () => {
  const own = limits({
    calls,
    reserve: 0.5,
    actions: {
      'sim:DELETE instances': { calls: { perSecond: 4, burst: 8 }, instances: { perSecond: 2, burst: 9 } },
    },
  });
  expect(callRatesOf(own, { kind: 'mutate', action: 'sim:DELETE instances' })).toEqual({
    bucket: 'action sim:DELETE instances',
    calls: { perSecond: 2, burst: 8 },
    machines: { perSecond: 1, burst: 9 },
  });
  expect(callRatesOf(own, { kind: 'list', action: 'sim:GET instances' })).toMatchObject({ bucket: 'list' });
});
