import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FleetSpec, NodeGroup } from '../../../../functions/model/fleet.ts';
import { groupAt, layOut, spreadEvenly } from '../../../../functions/platform/placement/lay-out.ts';

function group(name: string, size: number, locations: string[], connection = 'sim-aws'): NodeGroup {
  return {
    name,
    size,
    connection,
    locations,
    instanceType: 'm6i.large',
    image: 'ubuntu-24.04',
    driver: 'sim',
    cloud: 'aws',
    imageBackendIds: {},
    pricesUsdPerHour: {},
  };
}

const spec = (nodeGroups: NodeGroup[]): FleetSpec => ({
  fleetId: 'f0123456789abcdef',
  namespace: 'default',
  name: 'fleet',
  nodeGroups,
});

describe('layOut', () => {
  it('spreadEvenly divides instances evenly over locations, and the first locations get the remainder, one each', () => {
    expect(spreadEvenly(10, 4)).toEqual([3, 3, 2, 2]);
  });

  it('layOut gives groups at the same site adjacent positions', () => {
    const placements = layOut(spec([group('one', 3, ['x', 'y']), group('two', 2, ['x'])]));
    expect(placements.map(({ location, first, count }) => [location, first, count])).toEqual([
      ['x', 0, 4],
      ['y', 4, 1],
    ]);
    expect(groupAt(placements, 1)?.group.name).toBe('one');
    expect(groupAt(placements, 2)?.group.name).toBe('two');
    expect(groupAt(placements, 4)?.placement.location).toBe('y');
    expect(groupAt(placements, 5)).toBeUndefined();
  });

  it('layOut gives a location without instances an empty placement', () => {
    const placements = layOut(spec([group('one', 1, ['x', 'y'])]));
    expect(placements.map(({ location, first, count }) => [location, first, count])).toEqual([
      ['x', 0, 1],
      ['y', 1, 0],
    ]);
    expect(groupAt(placements, 0)?.placement.location).toBe('x');
    expect(groupAt(placements, 1)).toBeUndefined();
  });

  it('layOut gives every position to exactly one group, and every group its size', () => {
    const groups = fc.array(
      fc.record({
        size: fc.integer({ min: 1, max: 60 }),
        locations: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 }),
        connection: fc.constantFrom('sim-aws', 'sim-gcp'),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(groups, (drawn) => {
        const nodeGroups = drawn.map(({ size, locations, connection }, at) =>
          group(`group-${at}`, size, locations, connection),
        );
        const placements = layOut(spec(nodeGroups));
        const total = nodeGroups.reduce((sum, { size }) => sum + size, 0);
        const owners = Array.from({ length: total }, (_, index) => groupAt(placements, index)?.group.name);
        for (const { name, size } of nodeGroups) {
          expect(owners.filter((owner) => owner === name)).toHaveLength(size);
        }
        expect(placements.reduce((sum, { count }) => sum + count, 0)).toBe(total);
        for (const { name, connection, locations } of nodeGroups) {
          const there = placements.filter((one) => one.ranges.some((range) => range.group.name === name));
          expect(there.map(({ location }) => location).toSorted()).toEqual(locations.toSorted());
          expect(new Set(there.map((one) => one.connection))).toEqual(new Set([connection]));
        }
      }),
    );
  });
});
