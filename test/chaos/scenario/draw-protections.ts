import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import { Random } from '../time/random.ts';
import type { CloudName } from './draw-clouds.ts';
import type { FleetScript } from './draw-fleets.ts';

const MINUTE_MS = 60_000;

export const PROTECTED_THINGS = ['machine', 'network resource', 'volume'] as const;
export type ProtectedThing = (typeof PROTECTED_THINGS)[number];

/** A cloud refuses to remove some things of this deployment for a while, as termination protection does. */
export interface Protection {
  kind: 'protected';
  cloud: CloudName;
  things: ProtectedThing;
  /** Maximum number of things that are protected. */
  most: number;
  atMs: number;
  untilMs: number;
}

/** Draws protections, most of them from shortly before a fleet is deleted. */
export function protections(
  seed: number,
  clouds: readonly CloudName[],
  fleets: readonly FleetScript[],
): Protection[] {
  const random = new Random(seed, 'protections');
  if (random.chance(0.5)) return [];
  const removals = fleets.flatMap(({ deleteAtMs }) => deleteAtMs);
  return Array.from({ length: random.int(1, 4) }, () => {
    const isAtRemoval = removals.length > 0 && random.chance(0.8);
    const atMs = isAtRemoval
      ? Math.max(0, random.pick(removals) - random.int(0, 5_000))
      : random.int(30_000, 10 * MINUTE_MS);
    return {
      kind: 'protected' as const,
      cloud: random.pick(clouds),
      things: random.pick(PROTECTED_THINGS),
      most: random.pick([1, 3, 100]),
      atMs,
      untilMs: atMs + random.pick([1, 5, 10, 25]) * MINUTE_MS,
    };
  });
}

/** Gives further disks to the machines of some fleets, so that the cloud has volumes. */
export function withDisks(seed: number, scripts: readonly FleetScript[]): FleetScript[] {
  const random = new Random(seed, 'disks');
  return scripts.map((script) =>
    random.chance(0.25) ? { ...script, request: withDisk(script.request) } : script,
  );
}

function withDisk(request: FleetRequest): FleetRequest {
  const nodeGroups = request.nodeGroups.map((group) => ({ ...group, dataDisks: [{ sizeGb: 10 }] }));
  return fleetRequestSchema.parse({ ...request, nodeGroups });
}
