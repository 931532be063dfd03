import { readFleetFiles } from '../../demo/run/fleet-files.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';

type NodeGroup = FleetRequest['nodeGroups'][number];

/**
 * Returns fleets with this number of instances in total. If the numbers of instances and fleets are those of
 * the demo, the demo's own fleets are returned. Otherwise all fleets are alike: each has the demo's share of
 * instances at each cloud, and all locations that the demo uses there.
 */
export function fleetsOf(instances: number, fleets: number): FleetRequest[] {
  const demo = readFleetFiles();
  const demoGroups = demo.flatMap(({ nodeGroups }) => nodeGroups);
  const total = demoGroups.reduce((sum, { size }) => sum + size, 0);
  if (instances === total && fleets === demo.length) return demo;
  const clouds = [...Map.groupBy(demoGroups, ({ connection }) => connection).values()];
  const shares = split(
    instances,
    clouds.map((groups) => groups.reduce((sum, { size }) => sum + size, 0) / total),
  );
  const even = Array.from({ length: fleets }, () => 1 / fleets);
  const byFleet = shares.map((share) => split(share, even));
  return even.map((_, at) => ({
    name: `fleet-${at + 1}`,
    failurePolicy: 'continue',
    nodeGroups: clouds.flatMap((groups, cloud) => {
      const size = byFleet[cloud]?.[at] ?? 0;
      const [first] = groups;
      return first && size > 0 ? [everywhere(first, groups, size)] : [];
    }),
  }));
}

function everywhere(first: NodeGroup, groups: readonly NodeGroup[], size: number): NodeGroup {
  const { connection, instanceType, image } = first;
  const locations = [...new Set(groups.flatMap((group) => group.locations))].slice(0, size);
  return { name: connection, connection, locations, instanceType, image, size };
}

/** Returns the number of instances of all these fleets together. */
export const sizeOf = (fleets: readonly FleetRequest[]): number =>
  fleets.flatMap(({ nodeGroups }) => nodeGroups).reduce((sum, { size }) => sum + size, 0);

/**
 * Divides `whole` into whole numbers in these proportions. Each part is rounded, and its rounding error is
 * carried to the next part.
 */
function split(whole: number, proportions: readonly number[]): number[] {
  let [given, due] = [0, 0];
  return proportions.map((proportion) => {
    due += whole * proportion;
    const part = Math.round(due) - given;
    given += part;
    return part;
  });
}
