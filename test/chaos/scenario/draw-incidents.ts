import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import type { Fault } from '../../../local/sim/engine/faults.ts';
import { Random } from '../time/random.ts';
import { CLOUD_NAMES, type CloudName, type ConnectionScript, LOCATIONS } from './draw-clouds.ts';
import type { FleetScript } from './draw-fleets.ts';
import type { NetworkQuota } from './draw-network-quotas.ts';
import type { Protection } from './draw-protections.ts';
import { OUTSIDE_DEEDS, type OutsideDeed } from './outside.ts';

const MINUTE_MS = 60_000;

/**
 * Something that goes wrong at a cloud or at a table for a while. `forgotten`: the cloud denies that any
 * machine at a location exists, and shows these machines again afterwards. `rotated`: the user rotates a
 * connection to another account and back. `account-changed`: a connection's credential reaches another
 * account, and no request announces that. `empty-list`: the next list of a location's machines is empty. `outside`: a
 * user changes a machine in the cloud's console.
 */
export type Incident =
  | Protection
  | NetworkQuota
  | { kind: 'location-down'; cloud: CloudName; location: string; atMs: number; untilMs: number }
  | { kind: 'revoked'; account: string; atMs: number; untilMs: number }
  | { kind: 'forgotten'; cloud: CloudName; account: string; location: string; atMs: number; untilMs: number }
  | { kind: 'rotated'; connection: string; account: string; atMs: number; untilMs: number }
  | { kind: 'account-changed'; account: string; atMs: number; untilMs: number }
  | { kind: 'empty-list'; cloud: CloudName; location: string; atMs: number; untilMs: number }
  | { kind: 'outside'; cloud: CloudName; deed: OutsideDeed; atMs: number; untilMs: number }
  | { kind: 'table-down'; table: 'fleets' | 'governor' | 'access'; atMs: number; untilMs: number };

export function incidents(
  random: Random,
  connections: readonly ConnectionScript[],
  troubleMs: number,
): Incident[] {
  const found: Incident[] = [];
  const span = () => {
    const atMs = random.int(0, Math.floor(troubleMs / 2));
    return { atMs, untilMs: atMs + random.pick([20_000, 120_000, 600_000, 3_600_000]) };
  };
  if (random.chance(0.25)) {
    const { cloud: name } = random.pick(connections);
    found.push({
      kind: 'location-down',
      cloud: name,
      location: random.pick(LOCATIONS.slice(0, 1)),
      ...span(),
    });
  }
  if (random.chance(0.15)) found.push({ kind: 'revoked', account: random.pick(connections).name, ...span() });
  if (random.chance(0.15)) {
    const table = random.pick(['fleets', 'governor', 'access'] as const);
    const atMs = random.int(0, Math.floor(troubleMs / 2));
    const untilMs = atMs + random.pick([20_000, 120_000, 600_000]);
    found.push({ kind: 'table-down', table, atMs, untilMs });
  }
  return found;
}

/**
 * Draws machines that vanish and come back. Uses its own random stream, so that the other draws of the seed
 * do not change.
 */
export function losses(
  seed: number,
  connections: readonly ConnectionScript[],
  troubleMs: number,
): Incident[] {
  const random = new Random(seed, 'losses');
  const span = () => {
    const atMs = random.int(MINUTE_MS, Math.floor(troubleMs / 2));
    return { atMs, untilMs: atMs + random.pick([2, 6, 20]) * MINUTE_MS };
  };
  const { name, cloud: cloudName } = random.pick(connections);
  if (random.chance(0.2)) {
    const location = random.pick(LOCATIONS.slice(0, 1));
    return [{ kind: 'forgotten', cloud: cloudName, account: name, location, ...span() }];
  }
  return random.chance(0.1) ? [{ kind: 'account-changed', account: name, ...span() }] : [];
}

/** Draws a rotation of one connection to another account and back. */
export function rotations(
  random: Random,
  connections: readonly ConnectionScript[],
  troubleMs: number,
): Incident[] {
  if (!random.chance(0.2)) return [];
  const { name: connection } = random.pick(connections);
  const atMs = random.int(2 * MINUTE_MS, Math.floor(troubleMs / 2));
  const untilMs = atMs + random.pick([120_000, 600_000, 3_600_000]);
  return [{ kind: 'rotated', connection, account: `${connection}-other`, atMs, untilMs }];
}

/**
 * Draws lists that are wrongly empty: at most one for each location, most of them while machines are being
 * removed. Draws them only for clouds whose lists never lag. At other clouds, young machines may also be
 * missing from the next list. Workers take two such lists in a row as proof that machines are gone.
 */
export function emptyLists(
  seed: number,
  configs: Readonly<Record<string, CloudConfig>>,
  fleets: readonly FleetScript[],
  faults: readonly Fault[],
): Incident[] {
  const random = new Random(seed, 'empty-lists');
  if (random.chance(0.6) || faults.some(({ kind }) => kind === 'staleList')) return [];
  const removals = fleets.flatMap(({ deleteAtMs }) => deleteAtMs);
  const current = CLOUD_NAMES.filter((cloud) => configs[cloud]?.listDelayMs === 0);
  return current.flatMap((cloud) =>
    Object.keys(configs[cloud]?.locations ?? {}).flatMap((location): Incident[] => {
      const soonMs = random.int(500, 20_000);
      const atMs = removals.length > 0 ? random.pick(removals) + soonMs : MINUTE_MS + 10 * soonMs;
      if (random.chance(0.3)) return [];
      return [{ kind: 'empty-list', cloud, location, atMs, untilMs: atMs }];
    }),
  );
}

/** Draws what users do in the clouds' consoles. A machine that they stop is started before the trouble ends. */
export function deedsOutside(seed: number, clouds: readonly CloudName[], troubleMs: number): Incident[] {
  const random = new Random(seed, 'outside');
  if (random.chance(0.4)) return [];
  return Array.from({ length: random.int(1, 6) }, (): Incident => {
    const atMs = random.int(20_000, Math.floor(troubleMs / 2));
    const untilMs = atMs + random.int(10_000, 5 * MINUTE_MS);
    return { kind: 'outside', cloud: random.pick(clouds), deed: random.pick(OUTSIDE_DEEDS), atMs, untilMs };
  });
}
