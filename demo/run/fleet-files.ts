import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readYaml } from '../../cli/shell/yaml-file.ts';
import { type FleetRequest, fleetRequestSchema } from '../../functions/model/fleet-request.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'fleets');

/** Reads the four fleets of the demo, in the order of their files' names. */
export function readFleetFiles(): FleetRequest[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) =>
      readYaml(join('demo/fleets', name), readFileSync(join(folder, name), 'utf8'), fleetRequestSchema),
    )
    .map(({ value }) => value);
}

/** Returns the fleet with the size of each node group multiplied by `factor`, rounded up. */
export function scaleFleet(fleet: FleetRequest, factor: number): FleetRequest {
  return {
    ...fleet,
    // A product may be slightly more than a whole number in floating point: 100 × 0.07 is 7.000000000000001.
    // Without the subtraction, Math.ceil would round this product up to 8.
    nodeGroups: fleet.nodeGroups.map((group) => ({ ...group, size: Math.ceil(group.size * factor - 1e-9) })),
  };
}

export function sizeOf(fleet: FleetRequest): number {
  return fleet.nodeGroups.reduce((sum, { size }) => sum + size, 0);
}
