import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** A process of ours. Its number may be given to another one later, the time of its start with it may not. */
export const processSchema = z.object({ pid: z.int().positive(), startedAt: z.string().min(1) });
export type OwnProcess = z.infer<typeof processSchema>;

const GRACE_MS = 5_000;

/** When a process started, in whatever words the system has for it; undefined when there is none. */
function startOf(pid: number): string | undefined {
  try {
    if (existsSync('/proc/self/stat')) {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' ? undefined : fields[18];
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    // Neither knows a process of this number.
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
 * A command as it is run with a umask that keeps what it writes from other users; Node.js has no option for that.
 * One that cannot be started ends with code 126 or 127.
 */
export function withPrivateFiles(command: string, args: readonly string[]): [string, string[]] {
  return ['/bin/sh', ['-c', 'umask 077; exec "$0" "$@"', command, ...args]];
}

export interface Program {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Where its output goes. */
  log: string;
  cwd?: string;
}

/** Starts a process that outlives this one, as the leader of a group of its own. */
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
  // A failed start has no pid; `child` tells the reason in its event.
  child.on('error', () => undefined);
  child.unref();
  const pid = child.pid ?? 0;
  return { child, process: { pid, startedAt: startOf(pid) ?? 'never' } };
}

/**
 * Ends a process of ours and those that it started, and nothing else.
 *
 * @returns false when it was gone already
 */
export async function stopProcess(own: OwnProcess): Promise<boolean> {
  if (!isAlive(own)) return false;
  signalGroup(own, 'SIGTERM');
  for (const deadline = Date.now() + GRACE_MS; isAlive(own) && Date.now() < deadline; ) await sleep(50);
  // What the leader started may outlive it for a moment, in its group.
  signalGroup(own, 'SIGKILL');
  return true;
}

/** Ends it at once, for who is about to end himself. */
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
