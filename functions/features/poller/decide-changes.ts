import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { Failure } from '../../model/failure.ts';
import { isClosed } from '../../model/status.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { StatusChange } from '../../platform/store/transition.ts';
import type { Finding } from './finding.ts';
import type { Observed } from './poll.ts';
import type { Removal } from './stuck-removals.ts';

/** The writes and calls that follow from a poll's findings. */
export interface Decided {
  /** Changes of records to what the cloud shows. */
  changes: StatusChange[];
  /** Attempts that have ended and have no machine. Such an attempt may be repeated in another location. */
  endedAttempts: { record: InstanceItem; failure: Failure }[];
  /** Machines that were made by create calls with an unknown outcome, each with its record. */
  adopted: { record: InstanceItem; machine: CloudInstance }[];
  /** Machines to remove, each with its record. */
  removals: Removal[];
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
        decided.removals.push({ record, backendId: finding.backendId });
        break;
      // The observe phase has read the machine of a `confirm` finding by id, and added a second finding with
      // the result.
      case 'confirm':
      case 'none':
        break;
    }
  }
  return decided;
}

/**
 * Returns the change of one finding.
 *
 * @param isMovable true if another location may be tried: the record then becomes Planned, not Failed, when
 *   its machine no longer exists
 */
function changeOf(
  record: InstanceItem,
  { to, fields, clears }: Extract<Finding, { action: 'change' }>,
  isMovable: boolean,
): StatusChange {
  const again = isMovable ? { ...fields, closeAs: 'Planned' as const } : fields;
  return { kind: 'change', record, to, fields: again, ...(clears ? { clears } : {}) };
}

/**
 * Returns true if a change records that a machine no longer exists although Fleetwright did not remove it.
 */
export const isVanishing = ({ record, to, fields }: StatusChange): boolean =>
  isClosed(to) && (fields?.failure ?? record.failure)?.code === 'Vanished';

/**
 * Returns true if a change may change the status of a settled fleet: an instance that was launched before begins or
 * ceases to run, or has vanished. Also if its cloud began to remove the machine, and keeps the machine after all.
 */
export const mayChangeFleet = ({ record, to }: StatusChange): boolean =>
  record.status !== 'Creating' && record.status !== to && (record.status !== 'Terminating' || !isClosed(to));

/** Returns the fleet ids of the changes that record a failure. */
export function fleetsThatLost(changes: readonly StatusChange[]): Set<string> {
  return new Set(changes.flatMap(({ record, fields }) => (fields?.failure ? [record.fleetId] : [])));
}

/** Returns the fleet ids of the changes that may change the status of a settled fleet. */
export function fleetsToReview(changes: readonly StatusChange[]): Set<string> {
  return new Set(changes.filter(mayChangeFleet).map(({ record }) => record.fleetId));
}
