import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { StateFolder } from './folder.ts';
import { isAlive, type OwnProcess, processSchema, thisProcess } from './processes.ts';
import { StartFailure } from './start-failure.ts';

/**
 * Does work that no two processes may do in one state folder at a time.
 *
 * @throws StartFailure when another process is at it
 */
export async function withLock<T>(folder: StateFolder, work: () => Promise<T>): Promise<T> {
  const file = folder.file('lock');
  const holder = take(file) ?? (forgetDead(file) ? take(file) : undefined);
  if (!holder) {
    throw new StartFailure(
      `another process is starting or stopping the local stack in ${folder.path}`,
      'Wait until it has ended; or give this one a folder of its own in FLEETWRIGHT_HOME.',
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

/** @returns whether its holder is gone, and the lock with it */
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
    // Taken by a process that was ended before it wrote who it is, or gone by now.
    return undefined;
  }
}
