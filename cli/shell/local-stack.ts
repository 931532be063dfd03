import type {
  DownResult,
  LocalStack as LocalAddresses,
  LogLine,
  LogPart,
  StackStatus,
} from '../../local/index.ts';
import { CliError, EXIT } from './exit.ts';

/**
 * What the `local` commands use of the folder `local/`. No other file in `cli` imports that folder. This file
 * loads the folder only when a `local` command runs.
 */
export interface LocalStack {
  up(options: { seed?: number; simConfig?: string; say(line: string): void }): Promise<LocalAddresses>;
  down(options: { purge: boolean; say(line: string): void }): Promise<DownResult>;
  status(): Promise<StackStatus>;
  logs(options: { part?: LogPart; lines: number }): Promise<LogLine[]>;
}

/**
 * The parts of the local stack that have logs. This list is a copy of the one in `local/logs.ts`, so that the
 * other commands need not load `local/`. The compiler reports an error if this list has a part that
 * `local/logs.ts` does not have.
 */
export const LOG_PARTS = ['engine', 'clouds', 'deploy', 'functions'] as const satisfies readonly LogPart[];

type Local = typeof import('../../local/index.ts');

export const localStack: LocalStack = {
  up: ({ say, ...options }) =>
    withLocal(
      async ({ up, stepLine }) => (await up({ ...options, onProgress: (step) => say(stepLine(step)) })).stack,
    ),
  down: ({ say, purge }) =>
    withLocal(({ down, stepLine }) => down({ purge, onProgress: (step) => say(stepLine(step)) })),
  status: () => withLocal(({ status }) => status()),
  logs: (options) => withLocal(({ logs }) => logs(options)),
};

/** Returns the URL at which an engine serves the API of a stack. @throws CliError if the engine serves no such API */
export const findEngineApi = (engineUrl: string, deployedUrl: string): Promise<string> =>
  withLocal(({ findApiUrl }) => findApiUrl(engineUrl, deployedUrl));

/** Loads the local stack and runs `work` with it. @throws CliError when the local stack cannot be started or reached */
async function withLocal<T>(work: (local: Local) => Promise<T>): Promise<T> {
  const local = await import('../../local/index.ts');
  try {
    return await work(local);
  } catch (error) {
    if (!(error instanceof local.StartFailure)) throw error;
    throw new CliError(EXIT.unreachable, 'cannot-start', error.message, error.next, { cause: error });
  }
}
