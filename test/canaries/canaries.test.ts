import { expect, test } from 'vitest';
import { CanaryFinder } from './find-canary.ts';
import { runCanaries } from './run-canaries.ts';
import { SPELLINGS } from './spellings.ts';

const CANARY = 'hJ3kQx9TzWm2b"\\/+&%<vN7cRt5YpLq';
/** Names of the spellings (ways of writing a secret) for `runCanaries`. `npm run test:canaries` uses all spellings. */
const SOME = ['json', 'mixed', 'basic-pair'];

test.each(SPELLINGS)(
  'CanaryFinder finds a canary in the spelling $name, and does not find a secret that is not a canary',
  ({ spell }) => {
    const finder = new CanaryFinder([CANARY]);
    expect(finder.find(`bad key: ${spell(CANARY)}, ask again`)).toBeDefined();
    expect(finder.find(`bad key: ${spell('another secret of some length')}, ask again`)).toBeUndefined();
  },
);

test('`runCanaries` finds no secret that a cloud endpoint repeats in its answers, and finds both leaks made on purpose', async () => {
  const report = await runCanaries({ spellings: SPELLINGS.filter(({ name }) => SOME.includes(name)) });
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ found: 0, planted: 2, plantedFound: 2, spellings: SOME.length });
  expect(report.canaries).toBeGreaterThanOrEqual(4 * SOME.length);
  expect(report.places).toBeGreaterThanOrEqual(9);
}, 120_000);
