import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { MUTANTS } from '../mutants/mutants.ts';
import { swapModules } from '../mutants/swap-modules.ts';

/** Runs the seeds that it is given, one after the other, with the protocol broken where it is told so. */
const { mutant: name } = z.object({ mutant: z.string().optional() }).parse(workerData);
const mutant = MUTANTS.find((one) => one.name === name);
const check = mutant && swapModules(mutant);
// Loaded only now, so that it is loaded changed.
const { runScenario } = await import('../scenario/run.ts');
const { scenarioOf } = await import('../scenario/scenario.ts');
check?.();

parentPort?.on('message', async (seed: number) => {
  parentPort?.postMessage(await runScenario(scenarioOf(seed), false));
});
