import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StateFolder } from './folder.ts';
import { isAlive, processSchema, thisProcess } from './processes.ts';
import { StartFailure } from './start-failure.ts';

const POLL_MS = 200;

/**
 * Runs work under a lock: only one process at a time may hold the lock of a state folder.
 *
 * @throws StartFailure when another process has the lock
 */
export async function withLock<T>(folder: StateFolder, work: () => Promise<T>): Promise<T> {
  const file = folder.file('lock');
  if (!take(file)) {
    throw new StartFailure(
      `another process is starting or stopping the local stack in ${folder.path}`,
      'Wait until it has ended, or set FLEETWRIGHT_HOME to another folder.',
    );
  }
  return await holding(file, work);
}

/**
 * Runs work under the lock `name` of a state folder. Waits while another process has this lock.
 *
 * @throws StartFailure when another process still has the lock after `waitMs`
 */
export async function waitForLock<T>(
  folder: StateFolder,
  name: string,
  { waitMs }: { waitMs: number },
  work: () => Promise<T>,
): Promise<T> {
  const file = folder.file('locks', name);
  for (const deadline = Date.now() + waitMs; !take(file); await sleep(POLL_MS)) {
    if (Date.now() < deadline) continue;
    throw new StartFailure(
      `another process has held ${file} for ${Math.round(waitMs / 1_000)} s`,
      'Stop that process, whose id stands in the file, or set FLEETWRIGHT_HOME to another folder.',
    );
  }
  return await holding(file, work);
}

async function holding<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** Takes the lock, also from a process that has ended. @returns false if another process has the lock */
function take(file: string): boolean {
  const own = `${file}.${randomUUID()}`;
  // A link appears together with its content. Other processes never see a lock without the id of its holder.
  writeFileSync(own, JSON.stringify(thisProcess()), { flag: 'wx', mode: 0o600 });
  try {
    return link(own, file) || (forgetDead(file) && link(own, file));
  } finally {
    rmSync(own, { force: true });
  }
}

/** Gives the file `from` a second name. @returns false if `to` exists */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock of a process that has ended. @returns false if the lock's holder is alive */
function forgetDead(file: string): boolean {
  if (isHeld(file)) return false;
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return true;
    throw error;
  }
  // Between the two calls above, another process may have taken the lock. It gets the lock back.
  const isTaken = isHeld(aside);
  if (isTaken) link(aside, file);
  rmSync(aside, { force: true });
  return !isTaken;
}

function isHeld(file: string): boolean {
  try {
    const holder = processSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
    return holder !== undefined && isAlive(holder);
  } catch {
    // The file no longer exists, or is no lock.
    return false;
  }
}
