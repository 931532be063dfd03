import { CliError, EXIT } from '../../cli/shell/exit.ts';
import { type Client, createClient } from '../../client/index.ts';
import {
  type EngineAccess,
  type Outputs,
  type SimAccess,
  StartFailure,
  stepLine,
  up,
} from '../../local/index.ts';

/** A local stack that runs, as demo, benchmarks and tests use it. */
export interface Stack extends SimAccess, EngineAccess {
  client: Client;
  namespace: string;
  outputs: Outputs;
  /** An address of this machine as functions reach it. */
  seenByFunctions(url: string): string;
}

export interface StackOptions {
  /** The simulated clouds are reset with it. */
  seed?: number | undefined;
  simConfig?: string | undefined;
  say(line: string): void;
}

/**
 * The local stack, started where it does not run yet.
 *
 * @throws CliError when something that is needed cannot be started
 */
export async function openStack({ seed, simConfig, say }: StackOptions): Promise<Stack> {
  try {
    const { stack, outputs, seenByFunctions } = await up({
      onProgress: (step) => say(stepLine(step)),
      ...(seed === undefined ? {} : { seed }),
      ...(simConfig === undefined ? {} : { simConfig }),
    });
    return { ...stack, client: createClient(stack), outputs, seenByFunctions };
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    throw new CliError(EXIT.unreachable, 'cannot-start', error.message, error.next, { cause: error });
  }
}
