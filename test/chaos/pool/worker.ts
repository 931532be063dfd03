import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { MUTANTS } from '../mutants/mutants.ts';
import { swapModules } from '../mutants/swap-modules.ts';

/** Runs each seed that the parent thread sends, with the mutant applied if `workerData` names one. */
const { mutant: name } = z.object({ mutant: z.string().optional() }).parse(workerData);
const mutant = MUTANTS.find((one) => one.name === name);
const check = mutant && swapModules(mutant);
// Imported after swapModules, so that the mutant's edits apply.
const { runScenario } = await import('../scenario/run.ts');
const { scenarioOf } = await import('../scenario/scenario.ts');
check?.();

parentPort?.on('message', async (seed: number) => {
  const result = await runScenario(scenarioOf(seed), false);
  if (result.violations.length === 0) return parentPort?.postMessage(result);
  // Run the failed seed once more, with a trace: only then does a violation name the module that caused it.
  // Send that run's violations, but not its long trace.
  const { violations } = await runScenario(scenarioOf(seed), true);
  parentPort?.postMessage({ ...result, violations });
});
