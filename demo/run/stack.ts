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

/** A running local stack for demo, benchmarks and tests. */
export interface Stack extends SimAccess, EngineAccess {
  client: Client;
  namespace: string;
  outputs: Outputs;
  /**
   * Converts an address on this machine to an address at which the stack's functions reach the same server.
   */
  seenByFunctions(url: string): string;
}

export interface StackOptions {
  /** Seed with which the simulated clouds are reset. */
  seed?: number | undefined;
  simConfig?: string | undefined;
  say(line: string): void;
}

/**
 * Opens the local stack, and starts it if it does not run.
 *
 * @throws CliError when a part of the stack cannot be started
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
