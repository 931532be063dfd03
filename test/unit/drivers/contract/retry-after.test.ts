import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRate } from '../../../../functions/drivers/contract/retry-after.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const read = (headers: Record<string, string>) => readRate(new Headers(headers), NOW_MS);

describe('retryAfterMs of readRate', () => {
  it.each([
    ['seconds', { 'retry-after': '3' }, 3_000],
    ['zero seconds', { 'retry-after': '0' }, 0],
    ['a fraction of a second', { 'retry-after': '0.25' }, 250],
    ['a date', { 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT' }, 30_000],
    ['a date in the past', { 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT' }, 0],
    [
      'a date and the `date` header, which has the time of the cloud',
      { 'retry-after': 'Sun, 01 Mar 2026 13:00:30 GMT', date: 'Sun, 01 Mar 2026 13:00:00 GMT' },
      30_000,
    ],
    ['RateLimit', { ratelimit: '"burst";r=0;t=5' }, 5_000],
    ['the exhausted policy of RateLimit', { ratelimit: '"burst";r=0;t=5, "daily";r=800;t=36000' }, 5_000],
    [
      'the longest wait of several exhausted policies',
      { ratelimit: '"burst";r=0;t=5,"hourly";r=0;t=900' },
      900_000,
    ],
    ['RateLimit with separators in its names', { ratelimit: '"a;r=1,\\"b";r=0;t=7;pk=:Y2E=:' }, 7_000],
    ['RateLimit-Reset', { 'ratelimit-remaining': '0', 'ratelimit-reset': '50' }, 50_000],
    [
      'RateLimit-Reset in seconds since 1970',
      { 'ratelimit-remaining': '0', 'ratelimit-reset': String(NOW_MS / 1_000 + 12) },
      12_000,
    ],
    [
      'X-RateLimit-Reset',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS / 1_000 + 9) },
      9_000,
    ],
    [
      'X-RateLimit-Reset in milliseconds since 1970',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS + 1_500) },
      1_500,
    ],
    [
      'X-RateLimit-Reset as a date',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2026-03-01T12:00:04Z' },
      4_000,
    ],
    [
      'Retry-After, which takes precedence over all other headers',
      { 'retry-after': '2', ratelimit: '"burst";r=0;t=60' },
      2_000,
    ],
    [
      'RateLimit if Retry-After is malformed',
      { 'retry-after': 'soon', ratelimit: '"burst";r=0;t=60' },
      60_000,
    ],
    ['a time of more than a day, which is limited to a day', { 'retry-after': '99999999' }, 86_400_000],
  ])('the wait is read from %s', (_, headers, waitMs) =>
    expect(read(headers)).toEqual({ retryAfterMs: waitMs }),
  );

  it.each([
    ['no header', {}],
    ['a policy that is not exhausted', { ratelimit: '"burst";r=3;t=5' }],
    [
      'the reset of a policy that is not exhausted',
      { 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': '50' },
    ],
    ['a reset without a remaining count', { 'x-ratelimit-reset': '50' }],
    ['malformed headers', { 'retry-after': '-3', ratelimit: ';;"', 'ratelimit-policy': '=;w=,' }],
    ["Azure's counts", { 'x-ms-ratelimit-remaining-resource': 'Microsoft.Compute/CreateVM3Min;0' }],
  ])('no wait is read from %s', (_, headers) => expect(read(headers)).toEqual({}));
});

describe('limitPerSecond of readRate', () => {
  it.each([
    ['one policy', { 'ratelimit-policy': '"burst";q=12;w=3' }, 4],
    [
      'the policy with the shorter window, if there are two policies',
      { 'ratelimit-policy': '"permin";q=60;w=60,"sec";q=5;w=1' },
      5,
    ],
    ['a policy without a name', { 'ratelimit-policy': '100;w=10' }, 10],
    ['a policy whose unit is requests', { 'ratelimit-policy': '"a";q=30;w=60;qu="requests"' }, 0.5],
  ])('the rate limit is read from %s', (_, headers, limitPerSecond) =>
    expect(read(headers)).toEqual({ limitPerSecond, meter: 'calls' }),
  );

  it('a policy whose unit is machines limits machines', () => {
    const policy = { 'ratelimit-policy': '"instances";q=2;w=1;qu="machines"' };
    expect(read(policy)).toEqual({ limitPerSecond: 2, meter: 'machines' });
  });

  it('the rate limit is read from the exhausted policy', () => {
    const policies = '"permin";q=60;w=60,"sec";q=5;w=1';
    expect(read({ 'ratelimit-policy': policies, ratelimit: '"permin";r=0;t=9, "sec";r=4;t=1' })).toEqual({
      retryAfterMs: 9_000,
      limitPerSecond: 1,
      meter: 'calls',
    });
  });

  it.each([
    ['a policy with a window of a day', '"daily";q=1000;w=86400'],
    ['a policy that counts bytes', '"bytes";q=65535;qu="content-bytes";w=10'],
    ['a limit on concurrent calls', '"slots";q=20;qu="concurrent-requests";w=10'],
    ['a quota without a window', '"default";q=100'],
    ['a quota of zero', '"closed";q=0;w=10'],
  ])('no rate limit is read from %s', (_, policy) =>
    expect(read({ 'ratelimit-policy': policy })).toEqual({}),
  );
});

it('readRate accepts any header values, and returns only waits of at most a day and limits above zero', () => {
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
    fc.property(fc.dictionary(fc.constantFrom(...names), words), (parts) => {
      const headers = new Map(Object.entries(parts).map(([name, list]) => [name, list.join('')]));
      const { retryAfterMs = 0, limitPerSecond = 1 } = readRate(headers, NOW_MS);
      expect(retryAfterMs).toBeGreaterThanOrEqual(0);
      expect(retryAfterMs).toBeLessThanOrEqual(86_400_000);
      expect(limitPerSecond).toBeGreaterThan(0);
    }),
  );
});
