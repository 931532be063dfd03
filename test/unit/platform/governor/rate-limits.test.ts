import { expect, it } from 'vitest';
import { perSecondOf } from '../../../../functions/model/rate.ts';
import { createRates, rateLimitOf } from '../../../../functions/platform/governor/rate-limits.ts';
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
