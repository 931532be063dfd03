import { type Beat, readBeat, readDeploymentId, writeBeat } from '../store/deployment.ts';
import type { Store } from '../store/store.ts';

/** Keeps a deployment's beat outside of its tables, where a restore of the tables does not set it back. */
export interface OutsideBeat {
  /** Reads the beat. @returns undefined if there is none, or it is of another deployment */
  read(deploymentId: string): Promise<number | undefined>;
  write(deploymentId: string, beat: number): Promise<void>;
}

const MINUTE_MS = 60_000;
const MINUTES_APART = 5;

/** True if a schedule that runs each minute advances the beat in this one. Advancing costs writes. */
export function isCountDue(nowMs: number): boolean {
  return Math.floor(nowMs / MINUTE_MS) % MINUTES_APART === 0;
}

/**
 * Advances the beat, every five minutes: first in the tables, then outside. So the beat outside is ahead of the tables
 * only if a restore has set the tables back. The next write then counts the restore and sets the tables' beat above the
 * one outside. A restore to less than five minutes ago is not noticed.
 *
 * @returns whether a restore was noticed
 */
export async function countOn(store: Store<'fleets'>, outside: OutsideBeat): Promise<boolean> {
  const deploymentId = await readDeploymentId(store);
  // A deployment without an id has made nothing yet.
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

/** Returns how often the tables were restored, including a restore that they have not recorded yet. Pure. */
export function restoresOf(inside: Beat, outside: number | undefined): number {
  return inside.restores + ((outside ?? 0) > inside.beat ? 1 : 0);
}
