import { type Beat, readBeat, readDeploymentId, writeBeat } from '../store/deployment.ts';
import type { Store } from '../store/store.ts';

/** The number that a deployment keeps outside of its tables: a restore of the tables does not set it back. */
export interface OutsideBeat {
  /** @returns undefined when it keeps none, or one of another deployment */
  read(deploymentId: string): Promise<number | undefined>;
  write(deploymentId: string, beat: number): Promise<void>;
}

const MINUTE_MS = 60_000;
const MINUTES_APART = 5;

/** Whether a schedule that runs each minute counts on in this one: each time costs a write. */
export function isCountDue(nowMs: number): boolean {
  return Math.floor(nowMs / MINUTE_MS) % MINUTES_APART === 0;
}

/**
 * Counts on, every five minutes: in the tables first, then outside. So the number outside is never ahead of the tables, whatever
 * dies between the two, unless the tables were set back. Then the tables are told so in the write that brings them to the
 * number outside again. A restore to less than five minutes ago is not noticed.
 *
 * @returns whether a restore was noticed
 */
export async function countOn(store: Store<'fleets'>, outside: OutsideBeat): Promise<boolean> {
  const deploymentId = await readDeploymentId(store);
  // Nothing was made by a deployment that has no id yet.
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

/** How often the tables were set back, one that has not been told to them yet included. Pure. */
export function restoresOf(inside: Beat, outside: number | undefined): number {
  return inside.restores + ((outside ?? 0) > inside.beat ? 1 : 0);
}
