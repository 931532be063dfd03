import { type Beat, readBeat, readDeploymentId, writeBeat } from '../store/deployment.ts';
import type { Store } from '../store/store.ts';

/**
 * Stores a copy of a deployment's beat outside of its tables. The beat is a counter that grows every five minutes. A
 * restore of the tables does not change this copy.
 */
export interface OutsideBeat {
  /** Reads the beat. @returns undefined if no beat is stored, or the stored beat belongs to another deployment */
  read(deploymentId: string): Promise<number | undefined>;
  write(deploymentId: string, beat: number): Promise<void>;
}

const MINUTE_MS = 60_000;
const MINUTES_APART = 5;

/**
 * Returns true in every fifth minute. The scheduled function runs each minute. It advances the beat only in every fifth
 * minute, to save writes.
 */
export function isCountDue(nowMs: number): boolean {
  return Math.floor(nowMs / MINUTE_MS) % MINUTES_APART === 0;
}

/**
 * Advances the beat in the tables, then the copy outside. The scheduled function calls this every five minutes. If the
 * beat outside is ahead of the beat in the tables, the tables were restored to an earlier time. In that case, this call
 * counts the restore and sets both beats to a value above the higher one. A restore to a time less than five minutes
 * ago may stay undetected.
 *
 * @returns true if this call detected and counted a restore
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
 * Returns the number of restores of the tables. If the beat outside is ahead of the beat in the tables, counts one
 * more restore, which the tables do not count yet. Pure.
 */
export function restoresOf(inside: Beat, outside: number | undefined): number {
  return inside.restores + ((outside ?? 0) > inside.beat ? 1 : 0);
}
