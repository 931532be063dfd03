import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { LocalFailure } from './failure.ts';
import type { ProcessRecord } from './home.ts';

/** When a process began, in the kernel's words; undefined when there is none. The same pid later differs in it. */
export function startOf(pid: number): string | undefined {
  const { status, stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const began = stdout?.trim();
  return status === 0 && began ? began : undefined;
}

export function isAlive({ pid, startedAt }: Pick<ProcessRecord, 'pid' | 'startedAt'>): boolean {
  return startOf(pid) === startedAt;
}

/** Starts a program that outlives us, with its output in a log file. */
export function startDetached(
  command: string,
  args: readonly string[],
  { logFile, env }: { logFile: string; env: Record<string, string | undefined> },
): { pid: number; startedAt: string } {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w');
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log], env });
  closeSync(log);
  child.unref();
  const startedAt = child.pid === undefined ? undefined : startOf(child.pid);
  if (child.pid === undefined || startedAt === undefined) {
    throw new LocalFailure(`${command} did not start`, `See ${logFile}.`);
  }
  return { pid: child.pid, startedAt };
}

/** Ends a process that is still the one we started: politely, then not. Gone already is fine. */
export async function stop(record: ProcessRecord): Promise<void> {
  for (const [signal, seconds] of [['SIGTERM', 5] as const, ['SIGKILL', 2] as const]) {
    if (!isAlive(record)) return;
    process.kill(record.pid, signal);
    for (let waited = 0; waited < seconds * 10 && isAlive(record); waited += 1) await pause(100);
  }
}

/** Calls `check` until it answers true. @throws LocalFailure when the process dies first, or it takes too long */
export async function waitUntil(
  check: () => Promise<boolean>,
  {
    what,
    seconds,
    logFile,
    process,
  }: { what: string; seconds: number; logFile: string; process?: Pick<ProcessRecord, 'pid' | 'startedAt'> },
): Promise<void> {
  const untilMs = Date.now() + seconds * 1_000;
  while (!(await check())) {
    if (process && !isAlive(process)) {
      throw new LocalFailure(`${what} ended while it started:\n${tail(logFile)}`, `See ${logFile}.`);
    }
    if (Date.now() > untilMs) {
      throw new LocalFailure(`${what} did not answer within ${seconds} s`, `See ${logFile}.`);
    }
    await pause(100);
  }
}

export function tail(file: string, lines = 15): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return `(no ${file})`;
  }
}

/** The wished port, or the next ones up to twenty further, that nobody listens on at 127.0.0.1. */
export async function freePort(wished: number): Promise<number> {
  for (let port = wished; port <= wished + 20; port += 1) if (await isFree(port)) return port;
  throw new LocalFailure(
    `ports ${wished} to ${wished + 20} are all in use`,
    'End what listens there, or set FLEETWRIGHT_ENGINE_PORT and FLEETWRIGHT_SIM_PORT.',
  );
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  return promise;
}

export async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
