import { describe, it } from 'vitest';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import type { ResourceRecord } from '../../local/sim/engine/records.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import type { CloudSite } from './scenario/given-networks.ts';
import { AWS, EAST, expectAfter, isGone, isUp, MINUTE, PATIENT } from './scenario/limited.ts';
import type { Stage } from './scenario/stage.ts';

const HERE: CloudSite = { cloud: 'aws', connection: 'sim-aws', location: 'east-1' };
const LIMITS = { slots: { locations: 2, instancesPerLocation: 20 } };
const USERS_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA user';

const resourcesOf = ({ lab }: Stage): Map<string, ResourceRecord> =>
  lab.clouds.engine.world.state.site({
    cloud: HERE.cloud,
    account: HERE.connection,
    location: HERE.location,
  }).resources;

/** Deletes what a user has deleted at the cloud, without Fleetwright. */
const BY_HAND = {
  'the security group': (stage: Stage) => deleteKinds(stage, ['security-group']),
  'the key pair': (stage: Stage) => deleteKinds(stage, ['key-pair']),
  'the subnet, and made another one': (stage: Stage) => {
    for (const [id, one] of resourcesOf(stage))
      if (one.kind === 'network') resourcesOf(stage).set(id, { ...one, subnetId: 'sub-by-hand' });
  },
} as const;

function deleteKinds(stage: Stage, kinds: readonly string[]): void {
  for (const [id, { kind }] of resourcesOf(stage)) if (kinds.includes(kind)) resourcesOf(stage).delete(id);
}

function fleet(name: string): FleetRequest {
  const { nodeGroups, ...rest } = fleetAt(AWS, 3, { ...EAST, name });
  const ssh = { publicKeys: [USERS_KEY] };
  return { ...rest, nodeGroups: nodeGroups.map((group) => ({ ...group, ssh })) };
}

describe('of a shared network, a user deletes', PATIENT, () => {
  it.each(Object.entries(BY_HAND))(
    '%s: the next fleet makes it again, and the fleet that uses it goes on',
    async (_, deleteByHand) => {
      await expectAfter(
        async (stage) => {
          const first = await stage.create(fleet('first'));
          await stage.until(first.id, isUp);
          await stage.lab.ground.sleep(2 * MINUTE);
          deleteByHand(stage);
          const second = await stage.create(fleet('second'));
          stage.lab.killWorkers('the story');
          await stage.until(second.id, isUp);
          await stage.until(first.id, isUp);
          for (const { id } of [first, second]) await stage.remove(id);
          for (const { id } of [first, second]) await stage.until(id, isGone);
          await stage.pass(2);
        },
        { Terminated: 2 },
        calmScenario({}, LIMITS),
      );
    },
  );

  it('everything while no fleet uses it: the next fleets make one network again', async () => {
    await expectAfter(
      async (stage) => {
        const first = await stage.create(fleet('first'));
        await stage.until(first.id, isUp);
        await stage.remove(first.id);
        await stage.until(first.id, isGone);
        deleteKinds(stage, ['network', 'security-group', 'key-pair']);
        await stage.lab.ground.sleep(2 * MINUTE);
        const next = [await stage.create(fleet('second')), await stage.create(fleet('third'))];
        for (const { id } of next) await stage.until(id, isUp);
        for (const { id } of next) await stage.remove(id);
        for (const { id } of next) await stage.until(id, isGone);
        await stage.pass(30);
      },
      { Terminated: 3 },
      calmScenario({ networkGraceMs: 20 * MINUTE }, LIMITS),
    );
  });
});

describe('of a fleet’s own network, a user deletes', PATIENT, () => {
  it('everything while the fleet has no machine: its next round makes it again', async () => {
    await expectAfter(
      async (stage) => {
        const repair = stage.addFault({ kind: 'capacity', call: 'create', location: 'east-1' });
        const { id } = await stage.create({ ...fleet('first'), network: { mode: 'dedicated' } });
        await stage.until(id, ({ status }) => status === 'Failed');
        deleteKinds(stage, ['network', 'security-group', 'key-pair']);
        await stage.lab.ground.sleep(2 * MINUTE);
        repair();
        await stage.act(id, 'retry');
        await stage.until(id, isUp);
        await stage.remove(id);
        await stage.until(id, isGone);
      },
      { Terminated: 1 },
      calmScenario({}, LIMITS),
    );
  });
});
