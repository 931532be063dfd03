import type { InstanceStatus } from '../../model/status.ts';

/**
 * Maps the `status` of a server in Nova's API. A status that is absent here becomes `Undefined`. The driver never
 * causes such a status, and cannot interpret it.
 */
const STATUSES: ReadonlyMap<string, InstanceStatus> = new Map(
  Object.entries({
    BUILD: 'Creating',
    ACTIVE: 'Running',
    // A machine runs during a migration, during a change of its password, and until a resize is confirmed.
    MIGRATING: 'Running',
    PASSWORD: 'Running',
    VERIFY_RESIZE: 'Running',
    REBOOT: 'Rebooting',
    HARD_REBOOT: 'Rebooting',
    SHUTOFF: 'Suspended',
    SUSPENDED: 'Suspended',
    PAUSED: 'Suspended',
    SHELVED: 'Suspended',
    SHELVED_OFFLOADED: 'Suspended',
    ERROR: 'Failed',
    DELETED: 'Terminated',
    // An administrator can restore the server. For the owner, the server no longer exists.
    SOFT_DELETED: 'Terminated',
  } as const),
);

/** Task states show what Nova is doing to a server before its status changes. */
const TASKS: ReadonlyMap<string, InstanceStatus> = new Map(
  Object.entries({
    deleting: 'Terminating',
    'soft-deleting': 'Terminating',
    'powering-off': 'Suspending',
    suspending: 'Suspending',
    pausing: 'Suspending',
    shelving: 'Suspending',
    shelving_offloading: 'Suspending',
    'powering-on': 'Resuming',
    resuming: 'Resuming',
    unpausing: 'Resuming',
    unshelving: 'Resuming',
    rebooting: 'Rebooting',
    reboot_pending: 'Rebooting',
    reboot_started: 'Rebooting',
    rebooting_hard: 'Rebooting',
    reboot_pending_hard: 'Rebooting',
    reboot_started_hard: 'Rebooting',
  } as const),
);

export function instanceStatusOf(status: string, taskState: string | undefined): InstanceStatus {
  const known = STATUSES.get(status) ?? 'Undefined';
  if (known === 'Terminated') return known;
  return (taskState === undefined ? undefined : TASKS.get(taskState)) ?? known;
}
