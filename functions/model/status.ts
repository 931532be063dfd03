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

/**
 * `transitional`: the cloud is about to leave it by itself, so that the poll loop polls its site. `closed`: nothing can
 * exist at the cloud any more. Every status has to say what it is.
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

/** A closed record claims nothing at the cloud: its instance is known not to exist. */
export function isClosed(status: InstanceStatus): boolean {
  return INSTANCE_PHASES[status] === 'closed';
}

/**
 * `coming`: it is being launched, or waits for that; `settled`: what was launched has come to its end; `going`: it is
 * being removed as a whole; `over`: nothing of it is left.
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

/** Launching has ended, and nothing of it was asked to go. */
export function isSettled(status: FleetStatus): boolean {
  return FLEET_PHASES[status] === 'settled';
}

/** Nothing of it is left, and its name is free. */
export function isOver(status: FleetStatus): boolean {
  return FLEET_PHASES[status] === 'over';
}

/** It is being removed as a whole, or has been. */
export function isGoing(status: FleetStatus): boolean {
  return FLEET_PHASES[status] === 'going' || isOver(status);
}
