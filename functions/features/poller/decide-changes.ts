import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { Failure } from '../../model/failure.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { StatusChange } from '../../platform/store/transition.ts';
import type { Found, Observed } from './poll.ts';

/** What a poll is to write, and to ask the cloud for. */
export interface Decided {
  /** Records that follow the cloud. */
  changes: readonly StatusChange[];
  /** Attempts that are over at the cloud: what failed here may be tried elsewhere. */
  endedAttempts: readonly { record: InstanceItem; failure: Failure }[];
  /** Machines of creates whose outcome was unknown. */
  adopted: readonly { record: InstanceItem; machine: CloudInstance }[];
  /** Backend ids of machines that are to go. */
  removals: readonly string[];
}

/** Decides what becomes of what a poll has observed. Pure. */
export function decideChanges({ found, movable }: Pick<Observed, 'found' | 'movable'>): Decided {
  return {
    changes: found.flatMap((one) => changeOf(one, movable)),
    endedAttempts: found.flatMap(({ record, finding }) =>
      finding.action === 'end-attempt' ? [{ record, failure: finding.failure }] : [],
    ),
    adopted: found.flatMap(({ record, finding }) =>
      finding.action === 'adopt' ? [{ record, machine: finding.machine }] : [],
    ),
    removals: found.flatMap(({ finding }) => (finding.action === 'terminate' ? [finding.backendId] : [])),
  };
}

function changeOf({ record, finding }: Found, movable: ReadonlySet<string>): StatusChange[] {
  if (finding.action !== 'change') return [];
  const { to, fields, clears } = finding;
  const again = movable.has(record.instanceId) ? { ...fields, closeAs: 'Planned' as const } : fields;
  return [{ kind: 'change', record, to, fields: again, ...(clears ? { clears } : {}) }];
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
