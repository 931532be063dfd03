import { existsSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { MUTANTS, mutate } from './mutants/mutants.ts';
import { runSeeds } from './pool/pool.ts';
import { type RunResult, runScenario } from './scenario/run.ts';
import { scenarioOf } from './scenario/scenario.ts';

const SEEDS = Array.from({ length: 12 }, (_, at) => at + 1);

describe('runScenario', { timeout: 120_000 }, () => {
  // A run makes no machine if all its fleets are held before their first launch. Most runs must make
  // machines.
  let runsWithMachines = 0;
  afterAll(() => expect(runsWithMachines).toBeGreaterThan(SEEDS.length / 2));

  it.each(SEEDS)('a run of seed %i breaks no invariant', async (seed) => {
    const { violations, instances } = await runScenario(scenarioOf(seed), false);
    expect(violations).toEqual([]);
    if (instances > 0) runsWithMachines += 1;
  });

  it('two runs of one seed have the same trace', async () => {
    const first = await runScenario(scenarioOf(3), true);
    const second = await runScenario(scenarioOf(3), true);
    expect(first.trace.length).toBeGreaterThan(1_000);
    expect(second.digest).toBe(first.digest);
  });

  it('a run with a trace has the same result as a run without a trace', async () => {
    const watched = await runScenario(scenarioOf(5), true);
    const alone = await runScenario(scenarioOf(5), false);
    const untraced = { digest: '', trace: [], callers: [] };
    expect({ ...alone, ...untraced }).toEqual({ ...watched, ...untraced });
  });
});

describe('mutants', () => {
  it.each(MUTANTS)(
    'each edit of mutant $name matches text in its source file and changes the file',
    ({ edits }) => {
      for (const edit of edits) {
        const source = readFileSync(new URL(`../../${edit.file}`, import.meta.url), 'utf8');
        expect(mutate(source, edit)).not.toBe(source);
      }
    },
  );
});

describe('a seed that fails', { timeout: 240_000 }, () => {
  it.each(['secret-before-record', 'tags-prove-ownership'])(
    'each module that a violation names in a run with mutant %s is an existing product file',
    async (mutant) => {
      const results: RunResult[] = [];
      const note = (result: RunResult) => {
        results.push(result);
        return result.violations.length === 0;
      };
      await runSeeds(SEEDS, 1, note, mutant);
      const modules = results.flatMap(({ violations }) => violations.flatMap(({ module = [] }) => module));
      expect(modules).not.toEqual([]);
      for (const module of modules) {
        expect(module).toMatch(/^functions\//);
        expect(existsSync(new URL(`../../${module}`, import.meta.url))).toBe(true);
      }
    },
  );
});
