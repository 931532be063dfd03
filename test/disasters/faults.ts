import { expect } from 'vitest';
import * as z from 'zod';
import {
  client,
  control,
  deleteFleet,
  type Fault,
  fleetWhen,
  group,
  namespace,
  pause,
  request,
  untilUp,
} from '../e2e/deployed.ts';
import { CloudAudit } from './cloud-audit.ts';
import { invoke } from './engine.ts';

const CLOUD = 'azure';
const CONNECTION = 'sim-azure';

const WHILE_CREATING: readonly Fault[] = [
  { call: 'create', kind: 'loseReplyAfterEffect', probability: 0.2, count: 12 },
  { call: 'create', kind: 'loseReplyBeforeEffect', probability: 0.2, count: 8 },
  { call: 'create', kind: 'timeout', probability: 0.1, count: 3 },
  { call: 'create', kind: 'duplicateEffect', probability: 0.2, count: 6 },
  { call: 'list', kind: 'staleList', probability: 0.3, count: 20, delayMs: 3_000 },
  { call: 'ensure', kind: 'loseReplyAfterEffect', probability: 0.3, count: 4 },
];
const WHILE_REMOVING: readonly Fault[] = [
  { call: 'terminate', kind: 'loseReplyAfterEffect', probability: 0.2, count: 10 },
  { call: 'terminate', kind: 'stuckTerminating', probability: 0.2, count: 6, delayMs: 15_000 },
  { call: 'list', kind: 'staleList', probability: 0.3, count: 20, delayMs: 3_000 },
  { call: 'deleteResource', kind: 'loseReplyAfterEffect', probability: 0.3, count: 4 },
];

/**
 * Runs a fleet at a cloud that loses replies and machines, makes machines twice, returns outdated lists and
 * keeps machines in Terminating.
 */
export async function cloudMisbehaves(): Promise<void> {
  const audit = await CloudAudit.begin(CLOUD);
  const azure = group(CONNECTION, 100, ['eastus', 'westus2', 'canadacentral', 'northeurope', 'westeurope']);
  const duringCreate = await addFaults(WHILE_CREATING);
  const fleet = await client.createFleet({ params: { namespace }, body: request('tormented', azure) });
  expect(await untilUp(fleet.id)).toMatchObject({ status: 'Running', counts: { Running: 100 } });
  await removeFaults(duringCreate);
  expect((await audit.books()).duplicated().length).toBeGreaterThan(0);
  await sweep();
  await audit.expectAsRecorded([fleet], { duplicatesGone: true });

  const vanishing = await addFaults([{ call: 'list', kind: 'vanish', count: 3 }]);
  await invoke('schedules/watch');
  await sweep();
  await fleetWhen(fleet.id, ({ counts }) => counts.Running === 97);
  await removeFaults(vanishing);
  await audit.expectAsRecorded([fleet], { duplicatesGone: true });

  const duringDelete = await addFaults(WHILE_REMOVING);
  await deleteFleet(fleet.id);
  await removeFaults(duringDelete);
  await audit.expectNothingLeft([fleet], { duplicatesGone: true });
}

const addedSchema = z.object({ faults: z.array(z.object({ id: z.string() })) });

async function addFaults(faults: readonly Fault[]): Promise<string[]> {
  const answer = await control(
    'POST',
    'faults',
    faults.map((fault) => ({ cloud: CLOUD, ...fault })),
  );
  return addedSchema.parse(answer).faults.map(({ id }) => id);
}

async function removeFaults(ids: readonly string[]): Promise<void> {
  for (const id of ids) await control('DELETE', `faults/${id}`);
}

/** Runs a sweep of the connection, and waits until every location was swept. */
async function sweep(): Promise<void> {
  const params = { namespace };
  const { id } = await client.sweepOrphans({ params, body: { connection: CONNECTION, dryRun: false } });
  for (;;) {
    const { status } = await client.getSweep({ params: { namespace, sweep: id } });
    if (status === 'Done') return;
    await pause(500);
  }
}
