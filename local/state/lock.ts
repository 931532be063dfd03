import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { StateFolder } from './folder.ts';
import { isAlive, type OwnProcess, processSchema, thisProcess } from './processes.ts';
import { StartFailure } from './start-failure.ts';

/**
 * Runs work under a lock: only one process at a time may hold the lock of a state folder.
 *
 * @throws StartFailure when another process has the lock
 */
export async function withLock<T>(folder: StateFolder, work: () => Promise<T>): Promise<T> {
  const file = folder.file('lock');
  const holder = take(file) ?? (forgetDead(file) ? take(file) : undefined);
  if (!holder) {
    throw new StartFailure(
      `another process is starting or stopping the local stack in ${folder.path}`,
      'Wait until it has ended, or set FLEETWRIGHT_HOME to another folder.',
    );
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file: string): OwnProcess | undefined {
  const own = thisProcess();
  try {
    writeFileSync(file, JSON.stringify(own), { flag: 'wx', mode: 0o600 });
    return own;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined;
    throw error;
  }
}

/** Removes the lock of a process that has ended. @returns true if the lock was removed */
function forgetDead(file: string): boolean {
  const holder = processSchema.safeParse(parsed(file)).data;
  if (holder && isAlive(holder)) return false;
  rmSync(file, { force: true });
  return true;
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // The process that took the lock ended before it wrote its id, or the file no longer exists.
    return undefined;
  }
}
