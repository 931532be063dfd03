import { existsSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { findOrStartEngine } from '../../local/engine/engine.ts';
import { StateFolder } from '../../local/state/folder.ts';
import { isAlive, type OwnProcess, stopProcess } from '../../local/state/processes.ts';
import { engineRecordSchema, RECORDS } from '../../local/state/records.ts';
import {
  client,
  deleteFleet,
  fleetWhen,
  group,
  namespace,
  pause,
  request,
  stack,
  untilUp,
} from '../e2e/deployed.ts';
import { CloudAudit } from './cloud-audit.ts';
import { invoke } from './engine.ts';
import { fleetItem, letExecutionAge } from './records.ts';

/** Time in ms without a written file after which the engine's state counts as complete. */
const WRITTEN_MS = 4_000;

// An engine that is stopped with SIGTERM keeps its tables and queues, but not its executions. Each
// execution has failed then, and all task tokens are invalid. See docs/local.md.
it('a fleet runs even if the engine is restarted during its launches', async () => {
  const audit = await CloudAudit.begin('aws', 'gcp');
  const body = request(
    'blackout',
    group('sim-aws', 120, ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2', 'eu-west-1', 'eu-central-1']),
    group('sim-gcp', 80, ['us-central1', 'us-east1', 'us-west1', 'europe-west1']),
  );
  const fleet = await client.createFleet({ params: { namespace }, body });
  await fleetWhen(fleet.id, ({ counts }) => (counts.Creating ?? 0) > 20);
  await restartEngine();
  await letExecutionAge(fleet.id);
  await invoke('schedules/watch');
  await invoke('schedules/reconcile');
  expect((await fleetItem(fleet.id)).execution).toBe(2);
  expect(await untilUp(fleet.id)).toMatchObject({ status: 'Running', counts: { Running: 200 } });
  await audit.expectAsRecorded([fleet]);
  await deleteFleet(fleet.id);
  await audit.expectNothingLeft([fleet]);
});

async function restartEngine(): Promise<void> {
  const folder = new StateFolder(stack.home);
  const record = folder.read(RECORDS.engine, engineRecordSchema);
  if (record?.kind !== 'process') throw new Error('the engine is not a process on this machine');
  await stopInGoodOrder(record.process);
  // `findOrStartEngine` starts no engine while this variable has an address.
  const given = process.env['AWS_ENDPOINT_URL'];
  delete process.env['AWS_ENDPOINT_URL'];
  const { record: again } = await findOrStartEngine(folder);
  process.env['AWS_ENDPOINT_URL'] = given;
  if (again.url !== record.url)
    throw new Error(`the restarted engine has the address ${again.url}, not ${record.url}`);
}

/**
 * Sends SIGTERM and waits until the engine has written its state (one file for each service). Kills the
 * engine if it is still running then.
 */
async function stopInGoodOrder(engine: OwnProcess): Promise<void> {
  const folder = process.env['STATE_DIR'];
  if (folder === undefined) throw new Error('the engine keeps no state, because STATE_DIR is not set');
  process.kill(engine.pid, 'SIGTERM');
  let before = '';
  for (let quietSinceMs = Date.now(); isAlive(engine) && Date.now() - quietSinceMs < WRITTEN_MS; ) {
    await pause(100);
    const now = existsSync(folder) ? readdirSync(folder).join() : '';
    if (now !== before || now === '' || now.includes('.tmp')) quietSinceMs = Date.now();
    before = now;
  }
  await stopProcess(engine);
}
