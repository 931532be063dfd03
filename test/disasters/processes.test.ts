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

/** Functions that consume the driver's queue, and those that are steps of workflows. */
const VICTIMS = ['QueuessimConsumer', 'Workflows'];
/** Between one massacre and the next: in the middle of create calls, of waiting, of polls. */
const LULLS_MS = [700, 1_900, 2_700, 1_300];

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

async function massacre(): Promise<number> {
  let killed = 0;
  for (const lullMs of LULLS_MS) {
    killed += killFunctions(...VICTIMS);
    await pause(lullMs);
  }
  return killed;
}

describe('processes that are killed', () => {
  it.skipIf(!CAN_KILL_FUNCTIONS)(
    'leave nothing undone, done twice or leaked when they are functions',
    async () => {
      const audit = await CloudAudit.begin('aws', 'gcp', 'alibaba', 'openstack');
      const fleet = await launch('killed');
      expect(await massacre()).toBeGreaterThan(4);
      expect(await untilUp(fleet.id)).toMatchObject({ status: 'Running', counts: { Running: 200 } });
      await audit.expectAsRecorded([fleet]);
      await client.deleteFleet({ params: { namespace, fleet: fleet.id } });
      await pause(1_000);
      expect(await massacre()).toBeGreaterThan(4);
      await untilGone(fleet.id);
      await audit.expectNothingLeft([fleet]);
    },
  );

  it("leave everything as it is when they are the clouds' own", async () => {
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
