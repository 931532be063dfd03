import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/** Thousands of modules are compiled once, even where Python is told not to. */
const KEEP_COMPILED = { PYTHONDONTWRITEBYTECODE: '' };
const MAX_OUTPUT = 64 * 1024 * 1024;

/** Runs a command to its end. @throws Error with what it printed when it fails */
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

/** As `run`, beside others. */
export async function runBeside(command: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const [file = '', ...args] = command;
  await promisify(execFile)(file, args, {
    env: { ...process.env, ...KEEP_COMPILED, ...env },
    maxBuffer: MAX_OUTPUT,
  });
}
