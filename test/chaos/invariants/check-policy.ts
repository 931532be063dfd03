import type { FleetSpec } from '../../../functions/model/fleet.ts';
import type { FleetItem } from '../../../functions/platform/store/fleets.ts';
import type { InstanceItem } from '../../../functions/platform/store/instances.ts';
import type { Violation } from './violation.ts';

type Groups = FleetSpec['nodeGroups'];

/** What ran when the fleet was settled: an instance that vanished afterwards does not change what the fleet is. */
interface Tally {
  running: number;
  byGroup: ReadonlyMap<string, number>;
}

/** As it may have been at each moment: those that vanished did so one after the other, some before it was settled. */
function tallies(own: readonly InstanceItem[]): Tally[] {
  const running = own.filter(({ status }) => status === 'Running');
  const vanished = own
    .filter(({ runningAt, failure }) => runningAt !== undefined && failure?.code === 'Vanished')
    .sort((one, other) => ((one.terminatedAt ?? '') < (other.terminatedAt ?? '') ? -1 : 1));
  return Array.from({ length: vanished.length + 1 }, (_, gone) => {
    const up = [...running, ...vanished.slice(gone)];
    const byGroup = Map.groupBy(up, ({ nodeGroup }) => nodeGroup);
    return {
      running: up.length,
      byGroup: new Map([...byGroup].map(([name, members]) => [name, members.length])),
    };
  });
}

/**
 * A fleet at rest is what its failure policy makes of what runs, worked out here from the records alone, in the words
 * of the API's contract.
 */
export function checkPolicy(
  fleet: FleetItem,
  own: readonly InstanceItem[],
  groups: Groups,
  add: (kind: Violation['kind'], text: string) => void,
): void {
  const possible = tallies(own);
  if (!possible.some((one) => statusesOf(fleet, groups, one).includes(fleet.status))) {
    const { failurePolicy, status, requested, fleetId } = fleet;
    const ran = possible.map(({ running }) => running).join(' or ');
    add('policy', `${fleetId} (${failurePolicy}) is ${status} with ${ran} of ${requested} running`);
  }
  if (fleet.failurePolicy === 'refine') {
    for (const { instanceId, status } of own) {
      if (status === 'Failed') add('policy', `${instanceId} is still Failed in a refined fleet`);
    }
  }
}

function statusesOf(fleet: FleetItem, groups: Groups, { running, byGroup }: Tally): FleetItem['status'][] {
  const { failurePolicy, requested, minimumInstances } = fleet;
  const groupsKept = groups.every(
    ({ name, minimumInstances: least = 0 }) => (byGroup.get(name) ?? 0) >= least,
  );
  const kept = groupsKept && running >= Math.max(1, minimumInstances ?? 0);
  const refined: FleetItem['status'] = running === requested || kept ? 'Running' : 'Failed';
  if (failurePolicy === 'refine') return [refined];
  if (running === requested) return ['Running'];
  // Its owner may have had it refined, and may have had that tried on what was settled otherwise already.
  const byOwner = fleet.lastAction === 'refine' ? [refined] : [];
  if (failurePolicy === 'continue') return [kept ? 'PartiallyRunning' : 'Failed', ...byOwner];
  // Under rollback a shortfall stands only where the request says that it may, or where it came about since, and the
  // owner had the fleet refined.
  const allGroupsEnough = groups.every(({ name, size, minimumInstances: least }) => {
    const needed = least ?? (minimumInstances === undefined ? size : 0);
    return (byGroup.get(name) ?? 0) >= needed;
  });
  return allGroupsEnough && running >= (minimumInstances ?? 0)
    ? [kept ? 'PartiallyRunning' : 'Failed', ...byOwner]
    : byOwner;
}
