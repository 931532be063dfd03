import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { MUTANTS, mutate } from './mutants/mutants.ts';
import { runScenario } from './scenario/run.ts';
import { scenarioOf } from './scenario/scenario.ts';

const SEEDS = Array.from({ length: 12 }, (_, at) => at + 1);

describe('chaos', { timeout: 120_000 }, () => {
  // A fleet may be put on hold before anything of it was launched; not in every run.
  let runsWithMachines = 0;
  afterAll(() => expect(runsWithMachines).toBeGreaterThan(SEEDS.length / 2));

  it.each(SEEDS)('seed %i: nothing leaked, doubled, stuck or miscounted', async (seed) => {
    const { violations, instances } = await runScenario(scenarioOf(seed), false);
    expect(violations).toEqual([]);
    if (instances > 0) runsWithMachines += 1;
  });

  it('is the same run each time that a seed is played', async () => {
    const first = await runScenario(scenarioOf(3), true);
    const second = await runScenario(scenarioOf(3), true);
    expect(first.trace.length).toBeGreaterThan(1_000);
    expect(second.digest).toBe(first.digest);
  });

  it('is not disturbed by being watched', async () => {
    const watched = await runScenario(scenarioOf(5), true);
    const alone = await runScenario(scenarioOf(5), false);
    expect({ ...alone, digest: '', trace: [] }).toEqual({ ...watched, digest: '', trace: [] });
  });
});

describe('mutants', () => {
  it.each(MUTANTS)('$name changes what stands in the sources', ({ edits }) => {
    for (const edit of edits) {
      const source = readFileSync(new URL(`../../${edit.file}`, import.meta.url), 'utf8');
      expect(mutate(source, edit)).not.toBe(source);
    }
  });
});
