import type { FleetSpec } from '../../../functions/model/fleet.ts';
import { isEndedUnasked } from '../../../functions/model/lost-machine.ts';
import type { FleetItem } from '../../../functions/platform/store/fleets.ts';
import type { InstanceItem } from '../../../functions/platform/store/instances.ts';
import { fleetKey, instanceKey, type Key } from '../../../functions/platform/store/keys.ts';
import type { Violation } from './violation.ts';

type Groups = FleetSpec['nodeGroups'];

/** Numbers of instances that ran at one time. */
interface Tally {
  running: number;
  byGroup: ReadonlyMap<string, number>;
}

/**
 * Returns every tally that the fleet may have had since it was settled, the present one last. Instances vanished one
 * after the other. The records do not say how many of them vanished before the fleet was settled.
 */
function tallies(own: readonly InstanceItem[]): Tally[] {
  const running = own.filter(({ status }) => status === 'Running');
  const vanished = own
    .filter(({ runningAt, failure }) => runningAt !== undefined && isEndedUnasked(failure))
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
  if (!statusesNow(fleet, groups, possible).includes(fleet.status)) {
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

/**
 * Returns the statuses that the fleet may have. A fleet that has lost instances since it was settled shows the
 * shortfall, unless a refine has accepted it.
 */
function statusesNow(fleet: FleetItem, groups: Groups, possible: readonly Tally[]): FleetItem['status'][] {
  const earlier = possible.slice(0, -1);
  const isRefined = fleet.failurePolicy === 'refine' || fleet.lastAction === 'refine';
  return possible
    .slice(-1)
    .flatMap((now) => [
      ...statusesOf(fleet, groups, now),
      ...(earlier.length > 0
        ? [isKept(fleet, groups, now) ? ('PartiallyRunning' as const) : ('Failed' as const)]
        : []),
      ...(isRefined ? earlier.flatMap((one) => statusesOf(fleet, groups, one)) : []),
    ]);
}

/** Returns true if at least one instance runs and all minimums are reached. */
function isKept({ minimumInstances }: FleetItem, groups: Groups, { running, byGroup }: Tally): boolean {
  const groupsKept = groups.every(
    ({ name, minimumInstances: least = 0 }) => (byGroup.get(name) ?? 0) >= least,
  );
  return groupsKept && running >= Math.max(1, minimumInstances ?? 0);
}

function statusesOf(fleet: FleetItem, groups: Groups, tally: Tally): FleetItem['status'][] {
  const { failurePolicy, requested, minimumInstances } = fleet;
  const { running, byGroup } = tally;
  const kept = isKept(fleet, groups, tally);
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
