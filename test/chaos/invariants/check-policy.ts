import type { FleetSpec } from '../../../functions/model/fleet.ts';
import type { FleetItem } from '../../../functions/platform/store/fleets.ts';
import type { InstanceItem } from '../../../functions/platform/store/instances.ts';
import { fleetKey, instanceKey, type Key } from '../../../functions/platform/store/keys.ts';
import type { Violation } from './violation.ts';

type Groups = FleetSpec['nodeGroups'];

/**
 * Numbers of instances that ran when the fleet was settled. An instance that vanishes later does not change
 * the fleet's status.
 */
interface Tally {
  running: number;
  byGroup: ReadonlyMap<string, number>;
}

/**
 * Returns every tally with which the fleet may have been settled. Instances vanished one after the other. The
 * records do not say how many of them vanished before the fleet was settled.
 */
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
 * Checks that the status of a fleet at rest follows from its failure policy and from its running instances.
 * The expected status is computed here from the records alone. The computation follows the API's
 * documentation and uses no product code.
 */
export function checkPolicy(
  fleet: FleetItem,
  own: readonly InstanceItem[],
  groups: Groups,
  add: (kind: Violation['kind'], text: string, about: Key) => void,
): void {
  const possible = tallies(own);
  if (!possible.some((one) => statusesOf(fleet, groups, one).includes(fleet.status))) {
    const { failurePolicy, status, requested, fleetId } = fleet;
    const ran = possible.map(({ running }) => running).join(' or ');
    add(
      'policy',
      `${fleetId} (${failurePolicy}) is ${status} with ${ran} of ${requested} running`,
      fleetKey(fleetId),
    );
  }
  if (fleet.failurePolicy === 'refine') {
    for (const one of own) {
      if (one.status === 'Failed')
        add('policy', `${one.instanceId} is still Failed in a refined fleet`, instanceKey(one));
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
  // The user may have asked for `refine` after the fleet was settled under its own policy.
  const byOwner = fleet.lastAction === 'refine' ? [refined] : [];
  if (failurePolicy === 'continue') return [kept ? 'PartiallyRunning' : 'Failed', ...byOwner];
  // A fleet with policy rollback may lack instances in two cases: its minimums allow that, or instances
  // vanished later and the user then asked for `refine`.
  const allGroupsEnough = groups.every(({ name, size, minimumInstances: least }) => {
    const needed = least ?? (minimumInstances === undefined ? size : 0);
    return (byGroup.get(name) ?? 0) >= needed;
  });
  return allGroupsEnough && running >= (minimumInstances ?? 0)
    ? [kept ? 'PartiallyRunning' : 'Failed', ...byOwner]
    : byOwner;
}
