import { type FleetItem, type FleetUpdate, updateFleet, type Work } from '../../platform/store/fleets.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Workflows } from './workflows.ts';

export interface WorkDeps {
  store: Store<'fleets'>;
  workflows: Workflows;
}

/**
 * Writes that the fleet has work to do, and the number of the execution that has to do this work.
 *
 * @returns the changed fleet; undefined if the fleet has changed since it was read, and nothing was written
 */
export async function assignWork(
  store: Store<'fleets'>,
  fleet: FleetItem,
  work: Work,
  update: FleetUpdate = {},
): Promise<FleetItem | undefined> {
  return await updateFleet(store, fleet, {
    interruptions: 0,
    ...update,
    work,
    execution: fleet.execution + 1,
    workSinceMs: store.clock.now(),
  });
}

/**
 * Assigns work, then starts the execution that does it. If the process dies in between, the reconciler starts
 * that execution.
 */
export async function beginWork(
  { store, workflows }: WorkDeps,
  fleet: FleetItem,
  work: Work,
  update: FleetUpdate = {},
): Promise<FleetItem | undefined> {
  const after = await assignWork(store, fleet, work, update);
  if (after) await resumeWork(workflows, after);
  return after;
}

/** Starts the fleet's current execution. Has no effect if the execution was started before. */
export async function resumeWork(
  workflows: Workflows,
  { fleetId, work, execution }: FleetItem,
): Promise<void> {
  if (work !== undefined) await workflows.start({ work, fleetId, execution });
}
