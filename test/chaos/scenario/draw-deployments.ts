import { Random } from '../time/random.ts';

const MINUTE_MS = 60_000;
/** Each kind in so many of a hundred runs. */
const SHARE = 0.04;

/** The table `fleets` is backed up at a moment of the trouble, and set back to that when all has come to rest. */
export interface RestoreScript {
  backupAtMs: number;
}

/** A second deployment with the id of the first begins to work at one of its accounts. */
export interface SecondWriterScript {
  connection: string;
  atMs: number;
  /** By this, the two tell each other apart; where both begin together, the order of their ids counts. */
  writerId: string;
}

/** Drawn apart, so that all else of a seed is as it was before there were any; so is the second writer. */
export function restoreOf(seed: number, troubleMs: number): RestoreScript | undefined {
  const random = new Random(seed, 'restore');
  if (!random.chance(SHARE)) return undefined;
  // Fleets are asked for in the first minutes: where the backup is older than one, its tables know nothing of it.
  return { backupAtMs: random.int(0, random.chance(0.5) ? 3 * MINUTE_MS : troubleMs) };
}

/** @param connections those at whose accounts it may begin */
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
