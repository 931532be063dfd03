import { z } from 'zod';

export const INSTANCE_STATUSES = [
  'Planned',
  'Creating',
  'Running',
  'Suspending',
  'Suspended',
  'Resuming',
  'Rebooting',
  'Terminating',
  'Terminated',
  'Failed',
  'Undefined',
] as const;
export const instanceStatusSchema = z.enum(INSTANCE_STATUSES);
export type InstanceStatus = z.infer<typeof instanceStatusSchema>;

export const FLEET_STATUSES = [
  'Preparing',
  'Held',
  'Creating',
  'Running',
  'PartiallyRunning',
  'Suspended',
  'Terminating',
  'Terminated',
  'RollingBack',
  'RolledBack',
  'Failed',
] as const;
export const fleetStatusSchema = z.enum(FLEET_STATUSES);
export type FleetStatus = z.infer<typeof fleetStatusSchema>;

/** Statuses that the cloud is about to leave by itself: the status loop looks at their place. */
const TRANSITIONAL: ReadonlySet<InstanceStatus> = new Set([
  'Creating',
  'Suspending',
  'Resuming',
  'Rebooting',
  'Terminating',
]);

/** Statuses in which nothing can exist at the cloud any more. */
const CLOSED: ReadonlySet<InstanceStatus> = new Set(['Terminated', 'Failed']);

export function isTransitional(status: InstanceStatus): boolean {
  return TRANSITIONAL.has(status);
}

/** A closed record claims nothing at the cloud: its instance is known not to exist. */
export function isClosed(status: InstanceStatus): boolean {
  return CLOSED.has(status);
}
