import { Random } from '../time/random.ts';

const MINUTE_MS = 60_000;
/** Share of runs that have a restore, and share of runs that have a second writer (a second deployment). */
const SHARE = 0.04;

/**
 * A backup of the table `fleets` during the trouble, the time in which things go wrong. The backup is
 * restored after everything has come to rest.
 */
export interface RestoreScript {
  backupAtMs: number;
}

/** A second deployment with the same deployment id begins to work at an account of the first deployment. */
export interface SecondWriterScript {
  connection: string;
  atMs: number;
  /**
   * Id that distinguishes the two deployments. If both begin together, the deployment with the lower id wins.
   */
  writerId: string;
}

/** Draws the restore from its own random stream, so that the other draws of the seed do not change. */
export function restoreOf(seed: number, troubleMs: number): RestoreScript | undefined {
  const random = new Random(seed, 'restore');
  if (!random.chance(SHARE)) return undefined;
  // Users create fleets in the first minutes. An earlier backup has no record of these fleets.
  return { backupAtMs: random.int(0, random.chance(0.5) ? 3 * MINUTE_MS : troubleMs) };
}

/**
 * Draws the second writer from its own random stream.
 *
 * @param connections connections at which the second deployment may begin
 */
export function secondWriterOf(
  seed: number,
  troubleMs: number,
  connections: readonly string[],
): SecondWriterScript | undefined {
  const random = new Random(seed, 'second-writer');
  if (!random.chance(SHARE)) return undefined;
  return {
    connection: random.pick(connections),
    atMs: random.int(0, troubleMs),
    writerId: random.pick(['another-writer', 'the-second-writer']),
  };
}
