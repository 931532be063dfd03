import { expect, test } from 'vitest';
import { CanaryFinder } from './find-canary.ts';
import { runCanaries } from './run-canaries.ts';
import { SPELLINGS } from './spellings.ts';

const CANARY = 'hJ3kQx9TzWm2b"\\/+&%<vN7cRt5YpLq';
/** One spelling (way of writing a secret) of each family. `npm run test:canaries` runs all spellings. */
const SOME = ['json', 'mixed', 'basic-pair'];

test.each(SPELLINGS)('a canary in the spelling $name is found, and another secret is not', ({ spell }) => {
  const finder = new CanaryFinder([CANARY]);
  expect(finder.find(`bad key: ${spell(CANARY)}, ask again`)).toBeDefined();
  expect(finder.find(`bad key: ${spell('another secret of some length')}, ask again`)).toBeUndefined();
});

test('a credential that an endpoint repeats is not written anywhere, and the search finds planted leaks', async () => {
  const report = await runCanaries({ spellings: SPELLINGS.filter(({ name }) => SOME.includes(name)) });
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ found: 0, planted: 2, plantedFound: 2, spellings: SOME.length });
  expect(report.canaries).toBeGreaterThanOrEqual(4 * SOME.length);
  expect(report.places).toBeGreaterThanOrEqual(9);
}, 120_000);
