import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { localAwsVariables } from '../../local/engine/environment.ts';
import { down, type LocalStack, type Outputs, StateFolder, stepLine, up } from '../../local/index.ts';
import { REPOSITORY } from '../../local/state/folder.ts';
import { freePort } from '../../local/system/ports.ts';

/** The deployed app that a test talks to: `inject('stack')`. */
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

/** Away from the ports of a stack that a user runs on this machine, and from those of short-lived connections. */
const PORTS_FROM = 14_566;

/**
 * An engine with the app deployed, and simulated clouds, for one project's tests alone: in a state folder and on ports
 * of their own. Tests get its address by `inject('stack')`, and the SDK's settings in their environment.
 *
 * @param name of the state folder
 * @returns stops it all; the installed engine and the logs stay
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
    // Workers are forked later, and inherit it.
    Object.assign(process.env, localAwsVariables(stack, new StateFolder(home)));
    project.provide('stack', { ...stack, outputs, home });
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}
