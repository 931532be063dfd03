import { type Beat, readBeat, readDeploymentId, writeBeat } from '../store/deployment.ts';
import type { Store } from '../store/store.ts';

/**
 * Stores a deployment's beat, which is a counter, outside of its tables. A restore of the tables does not change this
 * copy.
 */
export interface OutsideBeat {
  /** Reads the beat. @returns undefined if there is no beat, or if it belongs to another deployment */
  read(deploymentId: string): Promise<number | undefined>;
  write(deploymentId: string, beat: number): Promise<void>;
}

const MINUTE_MS = 60_000;
const MINUTES_APART = 5;

/**
 * Returns true in every fifth minute. The scheduled function runs each minute and advances the beat only in these
 * minutes, to save writes.
 */
export function isCountDue(nowMs: number): boolean {
  return Math.floor(nowMs / MINUTE_MS) % MINUTES_APART === 0;
}

/**
 * Advances the beat first in the tables, then outside. Callers do this every five minutes. If the beat outside is ahead
 * of the beat in the tables, the tables were restored to an earlier time. This call then counts the restore and sets
 * both beats to a higher value. A restore to a time less than five minutes ago is not detected.
 *
 * @returns whether a restore was detected
 */
export async function countOn(store: Store<'fleets'>, outside: OutsideBeat): Promise<boolean> {
  const deploymentId = await readDeploymentId(store);
  // A deployment without an id has created nothing yet.
  if (deploymentId === undefined) return false;
  const inside = await readBeat(store);
  const known = (await outside.read(deploymentId)) ?? 0;
  const isSetBack = known > inside.beat;
  const next: Beat = {
    beat: Math.max(inside.beat, known) + 1,
    restores: restoresOf(inside, known),
  };
  if (!(await writeBeat(store, next, inside))) return false;
  await outside.write(deploymentId, next.beat);
  return isSetBack;
}

/**
 * Returns the number of restores of the tables, including one that the tables have not recorded yet. Pure.
 */
export function restoresOf(inside: Beat, outside: number | undefined): number {
  return inside.restores + ((outside ?? 0) > inside.beat ? 1 : 0);
}
