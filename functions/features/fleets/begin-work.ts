import { type FleetItem, type FleetUpdate, updateFleet, type Work } from '../../platform/store/fleets.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Workflows } from './workflows.ts';

export interface WorkDeps {
  store: Store<'fleets'>;
  workflows: Workflows;
}

/**
 * Writes that the fleet's next execution has work to do.
 *
 * @returns the changed fleet; undefined when it changed in the meantime and nothing was written
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
 * Assigns work, then starts the execution that does it. If the process dies in between, the reconciler starts the same
 * execution.
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

/** Starts the fleet's present execution, in case it was never started. */
export async function resumeWork(
  workflows: Workflows,
  { fleetId, work, execution }: FleetItem,
): Promise<void> {
  if (work !== undefined) await workflows.start({ work, fleetId, execution });
}
