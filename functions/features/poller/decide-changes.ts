import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { Failure } from '../../model/failure.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { StatusChange } from '../../platform/store/transition.ts';
import type { Finding } from './compare.ts';
import type { Observed } from './poll.ts';

/** What a poll is to write, and to ask the cloud for. */
export interface Decided {
  /** Records that follow the cloud. */
  changes: StatusChange[];
  /** Attempts that are over at the cloud: what failed here may be tried elsewhere. */
  endedAttempts: { record: InstanceItem; failure: Failure }[];
  /** Machines of creates whose outcome was unknown. */
  adopted: { record: InstanceItem; machine: CloudInstance }[];
  /** Backend ids of machines that are to go. */
  removals: string[];
}

/** Decides what becomes of what a poll has observed. Pure. */
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
      // What was to be confirmed has another finding beside, if the cloud has answered.
      case 'confirm':
      case 'none':
        break;
    }
  }
  return decided;
}

/** @param isMovable whether another location may do better: then it is not lost when it is gone */
function changeOf(
  record: InstanceItem,
  { to, fields, clears }: Extract<Finding, { action: 'change' }>,
  isMovable: boolean,
): StatusChange {
  const again = isMovable ? { ...fields, closeAs: 'Planned' as const } : fields;
  return { kind: 'change', record, to, fields: again, ...(clears ? { clears } : {}) };
}

/** Whether a machine is gone that nobody asked to go. */
export const isVanishing = ({ fields }: StatusChange): boolean => fields?.failure?.code === 'Vanished';

/** Whether an instance runs again after the cloud could not tell of it. */
export const isRecovery = ({ record, to }: StatusChange): boolean =>
  record.status === 'Undefined' && to === 'Running';

/** Fleets of which an instance fails. */
export function fleetsThatLost(changes: readonly StatusChange[]): Set<string> {
  return new Set(changes.flatMap(({ record, fields }) => (fields?.failure ? [record.fleetId] : [])));
}

export function fleetsThatRecovered(changes: readonly StatusChange[]): Set<string> {
  return new Set(changes.filter(isRecovery).map(({ record }) => record.fleetId));
}
