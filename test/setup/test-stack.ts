import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { localAwsVariables } from '../../local/engine/environment.ts';
import { down, type LocalStack, type Outputs, StateFolder, stepLine, up } from '../../local/index.ts';
import { REPOSITORY } from '../../local/state/folder.ts';
import { freePort } from '../../local/system/ports.ts';

/** The deployed app that a test calls. A test gets it by `inject('stack')`. */
export interface TestStack extends LocalStack {
  outputs: Outputs;
  /** State folder of the stack: processes, logs, journal of the simulated clouds. */
  home: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    stack: TestStack;
  }
}

/** First port that is tried. It is neither a port of a user's local stack nor an ephemeral port. */
const PORTS_FROM = 14_566;

/**
 * Starts an engine with the deployed app, and simulated clouds, for the tests of one Vitest project. The
 * engine and the clouds have their own state folder and ports. Tests get the stack by `inject('stack')`, and
 * the settings of the AWS SDK from environment variables.
 *
 * @param name the name of the state folder
 * @returns a function that stops the stack. The installed engine and the logs stay.
 */
export async function startTestStack(project: TestProject, name: string): Promise<() => Promise<void>> {
  const home = join(REPOSITORY, '.fleetwright', name);
  const enginePort = await freePort(PORTS_FROM);
  process.env['FLEETWRIGHT_ENGINE_PORT'] = String(enginePort);
  process.env['FLEETWRIGHT_SIM_PORT'] = String(await freePort(enginePort + 1));
  const tearDown = async () => {
    await down({ home });
  };
  try {
    const { stack, outputs } = await up({
      home,
      onProgress: (step) => process.stderr.write(`${stepLine(step)}\n`),
    });
    // The test run starts its worker processes later, and the processes inherit these variables.
    Object.assign(process.env, localAwsVariables(stack, new StateFolder(home)));
    project.provide('stack', { ...stack, outputs, home });
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}
