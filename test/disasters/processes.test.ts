import { describe, expect, it } from 'vitest';
import {
  client,
  deleteFleet,
  fleetWhen,
  group,
  namespace,
  pause,
  request,
  untilGone,
  untilUp,
} from '../e2e/deployed.ts';
import { CloudAudit } from './cloud-audit.ts';
import { CAN_KILL_FUNCTIONS, killClouds, killFunctions } from './kill.ts';

/** Parts of the names of functions that consume the driver's queue or are steps of workflows. */
const VICTIMS = ['QueuessimConsumer', 'Workflows'];
/**
 * Pauses between rounds of kills, in ms. The lengths differ, so that kills hit create calls, waits and polls.
 */
const PAUSES_MS = [700, 1_900, 2_700, 1_300];

async function launch(name: string) {
  const body = request(
    name,
    group('sim-aws', 60, ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2']),
    group('sim-gcp', 40, ['us-central1', 'us-east1']),
    group('sim-alibaba', 60, ['cn-hangzhou', 'cn-beijing', 'cn-hongkong']),
    group('sim-openstack', 40, ['GRA11', 'DE1']),
  );
  const fleet = await client.createFleet({ params: { namespace }, body });
  await fleetWhen(fleet.id, ({ counts }) => (counts.Creating ?? 0) > 0);
  return fleet;
}

/** Kills the processes of `VICTIMS` before each pause. @returns the number of killed processes */
async function killRepeatedly(): Promise<number> {
  let killed = 0;
  for (const pauseMs of PAUSES_MS) {
    killed += killFunctions(...VICTIMS);
    await pause(pauseMs);
  }
  return killed;
}

describe('killed processes', () => {
  it.skipIf(!CAN_KILL_FUNCTIONS)(
    'a fleet starts each instance exactly once and is deleted completely, even if functions are killed repeatedly',
    async () => {
      const audit = await CloudAudit.begin('aws', 'gcp', 'alibaba', 'openstack');
      const fleet = await launch('killed');
      expect(await killRepeatedly()).toBeGreaterThan(4);
      expect(await untilUp(fleet.id)).toMatchObject({ status: 'Running', counts: { Running: 200 } });
      await audit.expectAsRecorded([fleet]);
      await client.deleteFleet({ params: { namespace, fleet: fleet.id } });
      await pause(1_000);
      expect(await killRepeatedly()).toBeGreaterThan(4);
      await untilGone(fleet.id);
      await audit.expectNothingLeft([fleet]);
    },
  );

  it("a fleet runs and is removed even if the simulated clouds' server is killed and restarted", async () => {
    const audit = await CloudAudit.begin('aws', 'gcp', 'alibaba', 'openstack');
    const fleet = await launch('restarted');
    await killClouds(3_000);
    expect(await untilUp(fleet.id)).toMatchObject({ status: 'Running', counts: { Running: 200 } });
    await audit.expectAsRecorded([fleet]);
    const going = deleteFleet(fleet.id);
    await pause(3_000);
    await killClouds(1_000);
    await going;
    await audit.expectNothingLeft([fleet]);
  });
});
