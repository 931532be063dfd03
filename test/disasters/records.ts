import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { assignWork } from '../../functions/features/fleets/begin-work.ts';
import { executionName } from '../../functions/features/fleets/workflows.ts';
import { systemClock, type Timer } from '../../functions/platform/runtime/clock.ts';
import {
  type FleetItem,
  type FleetUpdate,
  readFleetItem,
  updateFleet,
  type Work,
} from '../../functions/platform/store/fleets.ts';
import { readFleetPartition } from '../../functions/platform/store/placements.ts';
import { openStore, type Store } from '../../functions/platform/store/store.ts';
import { stack } from '../e2e/deployed.ts';

const LONG_AGO_MS = 10 * 60_000;
const tenMinutesLate: Timer = { ...systemClock, now: () => Date.now() - LONG_AGO_MS };

/** Opens the table `fleets` with a clock that is ten minutes slow. */
function storeThen(): Store<'fleets'> {
  return openStore({ fleets: String(stack.outputs['FleetsTable']) }, tenMinutesLate);
}

export async function fleetItem(fleetId: string): Promise<FleetItem> {
  const item = await readFleetItem(storeThen(), fleetId);
  if (!item) throw new Error(`fleet ${fleetId} has no record`);
  return item;
}

/**
 * Writes new work to a fleet without starting its execution, as an API function does that dies between these
 * two steps.
 */
export async function writeWithoutStart(fleetId: string, work: Work, update: FleetUpdate): Promise<void> {
  const store = storeThen();
  if (!(await assignWork(store, await fleetItem(fleetId), work, update))) {
    throw new Error(`fleet ${fleetId} was changed by another writer; the work was not written`);
  }
}

/** Stops the current execution of a fleet, as an operator may do by hand. */
export async function stopExecution(fleetId: string): Promise<void> {
  const fleet = await fleetItem(fleetId);
  const machine = fleet.work === 'provision' ? 'ProvisionFleetArn' : 'TerminateFleetArn';
  const arn = String(stack.outputs[machine]).replace(':stateMachine:', ':execution:');
  const sfn = new SFNClient();
  try {
    await sfn.send(new StopExecutionCommand({ executionArn: `${arn}:${executionName(fleet)}` }));
  } finally {
    sfn.destroy();
  }
}

/**
 * Makes the reconciler believe that a fleet's execution should have started long ago. The reconciler
 * otherwise waits for at least a minute before it starts the next execution.
 */
export async function letExecutionAge(fleetId: string): Promise<void> {
  for (;;) {
    const now = await fleetItem(fleetId);
    if (await updateFleet(storeThen(), now, { workSinceMs: Date.now() - LONG_AGO_MS })) return;
  }
}

/** Returns the task tokens of the workflow steps that wait for a fleet's launches. */
export async function awaitTokens(fleetId: string): Promise<string[]> {
  const { awaits } = await readFleetPartition(storeThen(), fleetId);
  return awaits.map(({ taskToken }) => taskToken);
}
