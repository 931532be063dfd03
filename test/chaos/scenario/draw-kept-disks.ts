import { fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import { Random } from '../time/random.ts';
import type { FleetScript } from './draw-fleets.ts';

/** Gives the machines of some fleets two further disks, of which the second one is to be kept. */
export function withKeptDisks(seed: number, scripts: readonly FleetScript[]): FleetScript[] {
  const random = new Random(seed, 'kept disks');
  return scripts.map((script) => {
    if (random.chance(0.85)) return script;
    const dataDisks = [{ sizeGb: 10 }, { sizeGb: 20, deleteOnTermination: false }];
    const nodeGroups = script.request.nodeGroups.map((group) => ({ ...group, dataDisks }));
    return { ...script, request: fleetRequestSchema.parse({ ...script.request, nodeGroups }) };
  });
}
