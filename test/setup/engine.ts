import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { localAwsVariables } from '../../local/engine/environment.ts';
import { down, type LocalStack, type Outputs, StateFolder, stepLine, up } from '../../local/index.ts';
import { freePort } from '../../local/ports.ts';
import { REPOSITORY } from '../../local/state/folder.ts';

/** The deployed app that a test talks to: `inject('stack')`. */
export interface TestStack extends LocalStack {
  outputs: Outputs;
}

declare module 'vitest' {
  export interface ProvidedContext {
    stack: TestStack;
  }
}

/** Away from the ports of a stack that somebody uses on this machine, and from those of short-lived connections. */
const PORTS_FROM = 14_566;

/**
 * An engine with the app deployed, and simulated clouds, for the tests alone: in a state folder and on ports of their
 * own, stopped at the end. Tests get its address by `inject('stack')`, and the SDK's settings in their environment.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const home = join(REPOSITORY, '.fleetwright', 'test');
  const enginePort = await freePort(PORTS_FROM);
  process.env['FLEETWRIGHT_ENGINE_PORT'] = String(enginePort);
  process.env['FLEETWRIGHT_SIM_PORT'] = String(await freePort(enginePort + 1));
  // The installed engine and the logs stay.
  const tearDown = async () => {
    await down({ home });
  };
  try {
    const { stack, outputs } = await up({
      home,
      onProgress: (step) => process.stderr.write(`${stepLine(step)}\n`),
    });
    // Workers are forked later, and inherit it.
    Object.assign(process.env, localAwsVariables(stack.engineUrl, new StateFolder(home)));
    project.provide('stack', { ...stack, outputs });
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}
