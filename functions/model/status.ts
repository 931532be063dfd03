import * as z from 'zod';

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

/**
 * Phase of each instance status. `transitional`: the cloud changes the status without a further call, and the poll loop
 * polls the site until the status has changed. `closed`: the machine no longer exists at the cloud. `at-rest`: all
 * other statuses.
 */
const INSTANCE_PHASES: Readonly<Record<InstanceStatus, 'at-rest' | 'transitional' | 'closed'>> = {
  Planned: 'at-rest',
  Creating: 'transitional',
  Running: 'at-rest',
  Suspending: 'transitional',
  Suspended: 'at-rest',
  Resuming: 'transitional',
  Rebooting: 'transitional',
  Terminating: 'transitional',
  Terminated: 'closed',
  Failed: 'closed',
  Undefined: 'at-rest',
};

export function isTransitional(status: InstanceStatus): boolean {
  return INSTANCE_PHASES[status] === 'transitional';
}

/**
 * Returns true if the record is closed: the instance is known to have no machine, and the record claims nothing at the
 * cloud.
 */
export function isClosed(status: InstanceStatus): boolean {
  return INSTANCE_PHASES[status] === 'closed';
}

/** Returns true if an instance changes only on request: its record is closed, or its machine is stopped. */
export function isStable(status: InstanceStatus): boolean {
  return isClosed(status) || status === 'Suspended';
}

/**
 * Phase of each fleet status. `coming`: the fleet is being launched, or waits for its launch. `settled`: launching has
 * ended. `suspended`: the instances are suspended. `going`: the whole fleet is being removed. `over`: nothing of the
 * fleet is left.
 */
const FLEET_PHASES: Readonly<Record<FleetStatus, 'coming' | 'settled' | 'suspended' | 'going' | 'over'>> = {
  Preparing: 'coming',
  Held: 'coming',
  Creating: 'coming',
  Running: 'settled',
  PartiallyRunning: 'settled',
  Suspended: 'suspended',
  Terminating: 'going',
  Terminated: 'over',
  RollingBack: 'going',
  RolledBack: 'over',
  Failed: 'settled',
};

/** Returns true if launching has ended, and no removal was requested. */
export function isSettled(status: FleetStatus): boolean {
  return FLEET_PHASES[status] === 'settled';
}

/** Returns true if nothing of the fleet is left and its name is free. */
export function isOver(status: FleetStatus): boolean {
  return FLEET_PHASES[status] === 'over';
}

/** Returns true if the whole fleet is being removed, or was removed. */
export function isGoing(status: FleetStatus): boolean {
  return FLEET_PHASES[status] === 'going' || isOver(status);
}
