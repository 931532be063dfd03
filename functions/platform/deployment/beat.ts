import { type Beat, readBeat, readDeploymentId, writeBeat } from '../store/deployment.ts';
import type { Store } from '../store/store.ts';

/**
 * Stores a deployment's beat, a counter, outside of its tables. A restore of the tables does not change it.
 */
export interface OutsideBeat {
  /** Reads the beat. @returns undefined if there is no beat, or if it belongs to another deployment */
  read(deploymentId: string): Promise<number | undefined>;
  write(deploymentId: string, beat: number): Promise<void>;
}

const MINUTE_MS = 60_000;
const MINUTES_APART = 5;

/**
 * Returns true in each fifth minute. A schedule that runs each minute advances the beat only then, to save
 * writes.
 */
export function isCountDue(nowMs: number): boolean {
  return Math.floor(nowMs / MINUTE_MS) % MINUTES_APART === 0;
}

/**
 * Advances the beat, every five minutes: first in the tables, then outside. If the beat outside is ahead of the tables,
 * the tables were restored to an earlier time. The next write counts the restore and sets the tables' beat above the
 * one outside. A restore to less than five minutes ago is not detected.
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
