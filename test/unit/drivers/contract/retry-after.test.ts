import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRate } from '../../../../functions/drivers/contract/retry-after.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const read = (headers: Record<string, string>) => readRate(new Headers(headers), NOW_MS);

describe('how long to wait', () => {
  it.each([
    ['seconds', { 'retry-after': '3' }, 3_000],
    ['no time at all', { 'retry-after': '0' }, 0],
    ['parts of a second', { 'retry-after': '0.25' }, 250],
    ['a date', { 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT' }, 30_000],
    ['a date that is over', { 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT' }, 0],
    [
      "a date by the cloud's own clock",
      { 'retry-after': 'Sun, 01 Mar 2026 13:00:30 GMT', date: 'Sun, 01 Mar 2026 13:00:00 GMT' },
      30_000,
    ],
    ['RateLimit', { ratelimit: '"burst";r=0;t=5' }, 5_000],
    ['RateLimit, the one that is used up', { ratelimit: '"burst";r=0;t=5, "daily";r=800;t=36000' }, 5_000],
    ['RateLimit, the longest of those', { ratelimit: '"burst";r=0;t=5,"hourly";r=0;t=900' }, 900_000],
    ['RateLimit with names that hold separators', { ratelimit: '"a;r=1,\\"b";r=0;t=7;pk=:Y2E=:' }, 7_000],
    ['RateLimit-Reset', { 'ratelimit-remaining': '0', 'ratelimit-reset': '50' }, 50_000],
    [
      'RateLimit-Reset as a time',
      { 'ratelimit-remaining': '0', 'ratelimit-reset': String(NOW_MS / 1_000 + 12) },
      12_000,
    ],
    [
      'X-RateLimit-Reset',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS / 1_000 + 9) },
      9_000,
    ],
    [
      'X-RateLimit-Reset in milliseconds',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS + 1_500) },
      1_500,
    ],
    [
      'X-RateLimit-Reset as a date',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2026-03-01T12:00:04Z' },
      4_000,
    ],
    ['Retry-After before all others', { 'retry-after': '2', ratelimit: '"burst";r=0;t=60' }, 2_000],
    ['what can be read', { 'retry-after': 'soon', ratelimit: '"burst";r=0;t=60' }, 60_000],
    ['a day and no longer', { 'retry-after': '99999999' }, 86_400_000],
  ])('%s', (_, headers, waitMs) => expect(read(headers)).toEqual({ retryAfterMs: waitMs }));

  it.each([
    ['nothing', {}],
    ['something that is not used up', { ratelimit: '"burst";r=3;t=5' }],
    ['a reset of what is not used up', { 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': '50' }],
    ['a reset without a remaining count', { 'x-ratelimit-reset': '50' }],
    ['nonsense', { 'retry-after': '-3', ratelimit: ';;"', 'ratelimit-policy': '=;w=,' }],
    ["Azure's counts", { 'x-ms-ratelimit-remaining-resource': 'Microsoft.Compute/CreateVM3Min;0' }],
  ])('is not said by %s', (_, headers) => expect(read(headers)).toEqual({}));
});

describe('how many calls the cloud takes', () => {
  it.each([
    ['one policy', { 'ratelimit-policy': '"burst";q=12;w=3' }, 4],
    ['of two, the one that is over soonest', { 'ratelimit-policy': '"permin";q=60;w=60,"sec";q=5;w=1' }, 5],
    ['the place of a name', { 'ratelimit-policy': '100;w=10' }, 10],
    ['requests by name', { 'ratelimit-policy': '"a";q=30;w=60;qu="requests"' }, 0.5],
  ])('%s', (_, headers, limitPerSecond) => expect(read(headers)).toEqual({ limitPerSecond }));

  it('is that of the policy that is used up', () => {
    const policies = '"permin";q=60;w=60,"sec";q=5;w=1';
    expect(read({ 'ratelimit-policy': policies, ratelimit: '"permin";r=0;t=9, "sec";r=4;t=1' })).toEqual({
      retryAfterMs: 9_000,
      limitPerSecond: 1,
    });
  });

  it.each([
    ['a budget of a day', '"daily";q=1000;w=86400'],
    ['bytes', '"bytes";q=65535;qu="content-bytes";w=10'],
    ['calls at the same time', '"slots";q=20;qu="concurrent-requests";w=10'],
    ['a quota without a window', '"default";q=100'],
    ['none at all', '"closed";q=0;w=10'],
  ])('is not said by %s', (_, policy) => expect(read({ 'ratelimit-policy': policy })).toEqual({}));
});

it('takes whatever stands in a header, and never says a wait that is none', () => {
  const names = [
    'retry-after',
    'ratelimit',
    'ratelimit-policy',
    'x-ratelimit-remaining',
    'x-ratelimit-reset',
  ];
  const words = fc.array(
    fc.constantFrom('"', ',', ';', '=', 'r', 't', 'q', 'w', '0', '9', '1e9', ' ', '\\', '-'),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), words), (told) => {
      const headers = new Map(Object.entries(told).map(([name, parts]) => [name, parts.join('')]));
      const { retryAfterMs = 0, limitPerSecond = 1 } = readRate(headers, NOW_MS);
      expect(retryAfterMs).toBeGreaterThanOrEqual(0);
      expect(retryAfterMs).toBeLessThanOrEqual(86_400_000);
      expect(limitPerSecond).toBeGreaterThan(0);
    }),
  );
});
