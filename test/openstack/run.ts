import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/** Makes Python store compiled modules, because the services have thousands of modules. */
const KEEP_COMPILED = { PYTHONDONTWRITEBYTECODE: '' };
const MAX_OUTPUT = 64 * 1024 * 1024;

/**
 * Runs a command, and returns its output.
 *
 * @throws Error with the command's standard error if the command fails
 */
export function run(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): string {
  const [file = '', ...args] = command;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', ...KEEP_COMPILED, ...options.env };
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    ...options,
    env,
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT,
  });
  if (status === 0) return stdout;
  throw new Error(`${command.join(' ')}: ${error?.message ?? stderr.slice(-2_000)}`);
}

/** Runs a command without blocking, so that other commands can run in parallel. @throws Error if it fails */
export async function runBeside(command: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const [file = '', ...args] = command;
  await promisify(execFile)(file, args, {
    env: { ...process.env, ...KEEP_COMPILED, ...env },
    maxBuffer: MAX_OUTPUT,
  });
}
