import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';

/**
 * Identifies a process that the local stack started. The system may reuse the process id, but not with the same start
 * time.
 */
export const processSchema = z.object({ pid: z.int().positive(), startedAt: z.string().min(1) });
export type OwnProcess = z.infer<typeof processSchema>;

const GRACE_MS = 5_000;

/** Returns a process's start time in the system's own format. Undefined when there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    if (existsSync('/proc/self/stat')) {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' ? undefined : fields[18];
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    // Neither `/proc` nor `ps` has a process of this number.
    return undefined;
  }
}

export function isAlive({ pid, startedAt }: OwnProcess): boolean {
  return startOf(pid) === startedAt;
}

export function thisProcess(): OwnProcess {
  return { pid: process.pid, startedAt: startOf(process.pid) ?? 'unknown' };
}

/**
 * Returns a command that runs the given command with a umask, so that other users have no access to the files that the
 * given command creates. Node.js has no option for a child's umask. A command that cannot be started ends with code 126
 * or 127.
 */
export function withPrivateFiles(command: string, args: readonly string[]): [string, string[]] {
  return ['/bin/sh', ['-c', 'umask 077; exec "$0" "$@"', command, ...args]];
}

export interface Program {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Path of the file for the process's output. */
  log: string;
  cwd?: string;
}

/** Starts a process that outlives this process. The new process leads a new process group. */
export function startDetached({ command, args, env, log, cwd }: Program): {
  child: ChildProcess;
  process: OwnProcess;
} {
  const output = openSync(log, 'w', 0o600);
  const child = spawn(...withPrivateFiles(command, args), {
    env,
    detached: true,
    stdio: ['ignore', output, output],
    ...(cwd ? { cwd } : {}),
  });
  closeSync(output);
  // After a failed start there is no pid. The `error` event of `child` has the reason.
  child.on('error', () => undefined);
  child.unref();
  const pid = child.pid ?? 0;
  return { child, process: { pid, startedAt: startOf(pid) ?? 'never' } };
}

/**
 * Stops a process of the local stack and the processes that it started.
 *
 * @returns false when it had already ended
 */
export async function stopProcess(own: OwnProcess): Promise<boolean> {
  if (!isAlive(own)) return false;
  signalGroup(own, 'SIGTERM');
  for (const deadline = Date.now() + GRACE_MS; isAlive(own) && Date.now() < deadline; ) await sleep(50);
  // Processes that the group's leader started may outlive the leader for a moment.
  signalGroup(own, 'SIGKILL');
  return true;
}

/** Kills the process and its process group without waiting. Callers that are about to exit use this. */
export function killProcess(own: OwnProcess): void {
  if (isAlive(own)) signalGroup(own, 'SIGKILL');
}

function signalGroup({ pid }: OwnProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

export function tailOf(log: string, lines: number): string[] {
  if (!existsSync(log)) return [];
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-lines);
}
