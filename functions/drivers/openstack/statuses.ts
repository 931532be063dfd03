import type { InstanceStatus } from '../../model/status.ts';

/** Nova's statuses (`vm_state` in the words of the API). What we never ask for and cannot tell is `Undefined`. */
const STATUSES: ReadonlyMap<string, InstanceStatus> = new Map(
  Object.entries({
    BUILD: 'Creating',
    ACTIVE: 'Running',
    // It runs on while it is moved, and while its password is set or its new size is to be confirmed.
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
    // Kept for an administrator to undo; for its owner it is gone.
    SOFT_DELETED: 'Terminated',
  } as const),
);

/** Task states tell what is being done to a server before its status does. */
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
