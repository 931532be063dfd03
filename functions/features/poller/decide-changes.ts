import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { Failure } from '../../model/failure.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { StatusChange } from '../../platform/store/transition.ts';
import type { Finding } from './compare.ts';
import type { Observed } from './poll.ts';

/** The writes and calls that follow from a poll's findings. */
export interface Decided {
  /** Records to update to what the cloud shows. */
  changes: StatusChange[];
  /** Attempts that have ended and have no machine. Each may be repeated in another location. */
  endedAttempts: { record: InstanceItem; failure: Failure }[];
  /** Machines of creates whose outcome was unknown. */
  adopted: { record: InstanceItem; machine: CloudInstance }[];
  /** Backend ids of machines to remove. */
  removals: string[];
}

/** Turns a poll's findings into writes and calls. Pure. */
export function decideChanges({ found, movable }: Pick<Observed, 'found' | 'movable'>): Decided {
  const decided: Decided = { changes: [], endedAttempts: [], adopted: [], removals: [] };
  for (const { record, finding } of found) {
    switch (finding.action) {
      case 'change':
        decided.changes.push(changeOf(record, finding, movable.has(record.instanceId)));
        break;
      case 'end-attempt':
        decided.endedAttempts.push({ record, failure: finding.failure });
        break;
      case 'adopt':
        decided.adopted.push({ record, machine: finding.machine });
        break;
      case 'terminate':
        decided.removals.push(finding.backendId);
        break;
      // A record to confirm has a second finding if the cloud has answered.
      case 'confirm':
      case 'none':
        break;
    }
  }
  return decided;
}

/**
 * Returns the change of one finding. @param isMovable whether another location may be tried: the record then becomes
 * Planned, not Failed, when the machine no longer exists
 */
function changeOf(
  record: InstanceItem,
  { to, fields, clears }: Extract<Finding, { action: 'change' }>,
  isMovable: boolean,
): StatusChange {
  const again = isMovable ? { ...fields, closeAs: 'Planned' as const } : fields;
  return { kind: 'change', record, to, fields: again, ...(clears ? { clears } : {}) };
}

/** Returns true if a machine no longer exists, and Fleetwright did not remove it. */
export const isVanishing = ({ fields }: StatusChange): boolean => fields?.failure?.code === 'Vanished';

/** Returns true if an instance runs again after it was Undefined. */
export const isRecovery = ({ record, to }: StatusChange): boolean =>
  record.status === 'Undefined' && to === 'Running';

/** Returns the ids of fleets with a failing instance. */
export function fleetsThatLost(changes: readonly StatusChange[]): Set<string> {
  return new Set(changes.flatMap(({ record, fields }) => (fields?.failure ? [record.fleetId] : [])));
}

export function fleetsThatRecovered(changes: readonly StatusChange[]): Set<string> {
  return new Set(changes.filter(isRecovery).map(({ record }) => record.fleetId));
}
