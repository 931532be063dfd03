import type { Random } from '../time/random.ts';
import type { CloudName, ConnectionScript } from './draw-clouds.ts';

const MINUTE_MS = 60_000;

/**
 * Something at a cloud that no create call made. `another`: a machine of another deployment. `unmarked`: a
 * machine without tags of any deployment. `lost`: a machine with this deployment's tags and the id of a fleet
 * that never existed. `copy`: a copy of one of this deployment's machines. `ended`: a network of a fleet that
 * has ended.
 */
export interface Planted {
  account: string;
  cloud: CloudName;
  whose: 'another' | 'unmarked' | 'lost' | 'copy' | 'ended';
  atMs: number;
}

export function planted(random: Random, connections: readonly ConnectionScript[]): Planted[] {
  const whose = ['another', 'unmarked', 'lost', 'copy', 'copy', 'ended', 'ended'] as const;
  if (random.chance(0.5)) return [];
  return Array.from({ length: random.int(1, 4) }, () => {
    const { name, cloud: cloudName } = random.pick(connections);
    const one = { account: name, cloud: cloudName, whose: random.pick(whose) };
    const atMs = random.int(0, 10 * MINUTE_MS);
    // A copy needs an original to copy, and an ended fleet needs time to end.
    if (one.whose === 'copy') return { ...one, atMs: 25 * MINUTE_MS + 2 * atMs };
    return { ...one, atMs: one.whose === 'ended' ? 5 * MINUTE_MS + 3 * atMs : atMs };
  });
}
