import { spawn } from 'node:child_process';
import { withPrivateFiles } from '../state/processes.ts';

export interface CommandResult {
  /**
   * Exit code. A shell starts the program, and exits with 126 or 127 if it cannot start the program. Null if a
   * signal or the time limit ended the program, or if the shell itself did not start.
   */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  timeoutMs?: number;
}

/** Runs a program to its end. A failed start is returned as a result, not thrown. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { env, cwd, timeoutMs }: CommandOptions = {},
): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  const child = spawn(...withPrivateFiles(command, args), {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(env ? { env } : {}),
    ...(cwd ? { cwd } : {}),
    ...(timeoutMs ? { timeout: timeoutMs } : {}),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.on('error', (error) => resolve({ code: null, stdout, stderr: `${stderr}${error.message}\n` }));
  child.on('close', (code) => resolve({ code, stdout, stderr }));
  return await promise;
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
