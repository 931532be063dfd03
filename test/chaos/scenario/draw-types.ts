import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import { type Fault, faultSchema } from '../../../local/sim/engine/faults.ts';
import { Random } from '../time/random.ts';
import type { FleetScript } from './draw-fleets.ts';

/** The instance types of the clouds. */
const TYPES = ['small', 'large'] as const;

/** Gives the node groups of some fleets several instance types in the order of trial. */
export function withTypes(seed: number, scripts: readonly FleetScript[]): FleetScript[] {
  const random = new Random(seed, 'types');
  return scripts.map((script) => {
    if (random.chance(0.7)) return script;
    const nodeGroups = script.request.nodeGroups.map((group) => typed(group, random.shuffle(TYPES)));
    return { ...script, request: fleetRequestSchema.parse({ ...script.request, nodeGroups }) };
  });
}

function typed(
  { instanceType: _, ...group }: FleetRequest['nodeGroups'][number],
  instanceTypes: readonly string[],
) {
  return { ...group, instanceTypes: [...instanceTypes] };
}

/** Draws clouds that have no capacity for one of the types, always or now and then. */
export function typeFaults(seed: number): Fault[] {
  const random = new Random(seed, 'capacity of types');
  if (random.chance(0.6)) return [];
  const instanceType = random.pick(TYPES);
  const probability = random.pick([0.1, 0.5, 1]);
  return [faultSchema.parse({ kind: 'capacity', call: 'create', instanceType, probability })];
}
