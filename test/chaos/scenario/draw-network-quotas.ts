import { Random } from '../time/random.ts';
import { type CloudName, type ConnectionScript, LOCATIONS } from './draw-clouds.ts';

const MINUTE_MS = 60_000;

/** Something outside of this deployment uses up a quota of network resources for a while. */
export interface NetworkQuota {
  kind: 'network-quota';
  cloud: CloudName;
  location: string;
  atMs: number;
  untilMs: number;
}

/** Draws times in which a cloud refuses each network, security group and key pair by a quota. */
export function networkQuotas(
  seed: number,
  connections: readonly ConnectionScript[],
  troubleMs: number,
): NetworkQuota[] {
  const random = new Random(seed, 'network quotas');
  if (random.chance(0.75)) return [];
  const { cloud } = random.pick(connections);
  const atMs = random.int(0, Math.min(4 * MINUTE_MS, troubleMs));
  const untilMs = atMs + random.pick([20_000, 2 * MINUTE_MS, 10 * MINUTE_MS, 40 * MINUTE_MS]);
  return [{ kind: 'network-quota', cloud, location: random.pick(LOCATIONS.slice(0, 2)), atMs, untilMs }];
}
