import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { findOrStartClouds } from '../../local/simulated-clouds.ts';
import { StateFolder } from '../../local/state/folder.ts';
import { isAlive } from '../../local/state/processes.ts';
import { cloudsRecordSchema, RECORDS } from '../../local/state/records.ts';
import { pause, stack } from '../e2e/deployed.ts';

/** True on Linux, because `killFunctions` finds the processes of functions in /proc. */
export const CAN_KILL_FUNCTIONS = existsSync('/proc/self/environ');

/**
 * Kills with SIGKILL the processes of this stack's functions whose command line contains one of the words.
 * A process belongs to this stack if its environment has the engine's address.
 *
 * @returns the number of killed processes
 */
export function killFunctions(...words: string[]): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return (
        command.includes('ministack-lambda') &&
        words.some((word) => command.includes(word)) &&
        readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`AWS_ENDPOINT_URL=${stack.engineUrl}\0`)
      );
    } catch {
      // The process has ended, or belongs to another user.
      return false;
    }
  });
  for (const pid of found) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
  return found.length;
}

/** Kills the simulated clouds' server, and restarts it after `downMs` with the same port and journal. */
export async function killClouds(downMs: number): Promise<void> {
  const folder = new StateFolder(stack.home);
  const record = folder.read(RECORDS.clouds, cloudsRecordSchema);
  if (!record) throw new Error(`${stack.home} has no record of the simulated clouds' process`);
  process.kill(record.process.pid, 'SIGKILL');
  while (isAlive(record.process)) await pause(20);
  await pause(downMs);
  const again = await findOrStartClouds(folder, { forget: false });
  if (again.url !== record.url)
    throw new Error(`the restarted clouds have the address ${again.url}, not ${record.url}`);
}
