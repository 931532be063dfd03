import { Random } from '../time/random.ts';
import type { FleetScript } from './draw-fleets.ts';

/** Marks some fleets whose machines go into networks that a user has made. */
export function inUsersNetworks(seed: number, scripts: readonly FleetScript[]): FleetScript[] {
  const random = new Random(seed, 'networks of users');
  return scripts.map((script) =>
    random.chance(0.15) ? { ...script, usesGiven: random.chance(0.15) ? 'wrong' : 'right' } : script,
  );
}
