import { expect } from 'vitest';
import { client, group, namespace, request, untilGone, untilUp } from '../e2e/deployed.ts';
import { CloudAudit } from './cloud-audit.ts';
import { invoke } from './engine.ts';
import { fleetItem, letExecutionAge, stopExecution, writeWithoutStart } from './records.ts';

/**
 * Stops the execution of one fleet, and writes work of another fleet without starting it. The reconciler must
 * start the next execution of each fleet. Unlike AWS, the local engine continues an execution that it reports
 * as stopped. Two executions then work on one fleet.
 */
export async function workflowsEndEarly(): Promise<void> {
  const audit = await CloudAudit.begin('alibaba');
  const stopped = await client.createFleet({
    params: { namespace },
    body: request('stopped', group('sim-alibaba', 60, ['cn-hangzhou', 'cn-beijing', 'cn-hongkong'])),
  });
  await stopExecution(stopped.id);
  await letExecutionAge(stopped.id);
  const elsewhere = group('sim-alibaba', 60, ['ap-southeast-1', 'ap-northeast-1', 'eu-central-1']);
  const never = await client.createFleet({
    params: { namespace },
    body: { ...request('never-started', elsewhere), hold: {} },
  });
  await writeWithoutStart(never.id, 'provision', { status: 'Preparing', round: 2, lastAction: 'release' });
  await invoke('schedules/reconcile');
  expect((await fleetItem(stopped.id)).execution).toBe(2);
  const fleets = [stopped, never];
  for (const { id } of fleets) {
    expect(await untilUp(id)).toMatchObject({ status: 'Running', counts: { Running: 60 } });
  }
  await audit.expectAsRecorded(fleets);

  await client.deleteFleet({ params: { namespace, fleet: stopped.id } });
  await stopExecution(stopped.id);
  await letExecutionAge(stopped.id);
  await writeWithoutStart(never.id, 'remove', { status: 'Terminating' });
  await invoke('schedules/reconcile');
  for (const { id } of fleets) await untilGone(id);
  await audit.expectNothingLeft(fleets);
}
