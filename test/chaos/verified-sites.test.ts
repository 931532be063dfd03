import { describe, expect, it } from 'vitest';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import type { GivenNetworks } from '../../functions/model/network-choice.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { type CloudSite, makeUsersNetwork, resourcesAt } from './scenario/given-networks.ts';
import { AWS, expectAfter, isGone, isSettled, isUp, PATIENT, SECOND } from './scenario/limited.ts';
import type { Stage } from './scenario/stage.ts';

const EAST: CloudSite = { cloud: 'aws', connection: 'sim-aws', location: 'east-1' };
const WEST: CloudSite = { ...EAST, location: 'west-1' };
const BOTH = ['east-1', 'west-1'];
const LIMITS = { slots: { locations: 2, instancesPerLocation: 20 } };

function fleetIn(existing: GivenNetworks, size = 6): FleetRequest {
  const { nodeGroups, ...fleet } = fleetAt(AWS, size, { locations: BOTH, name: 'web' });
  return {
    ...fleet,
    network: { mode: 'existing', existing },
    nodeGroups: nodeGroups.map(({ ssh: _, ...group }) => group),
  };
}

const standing = ({ lab }: Stage) => [...resourcesAt(lab, EAST), ...resourcesAt(lab, WEST)];

describe('what a fleet names by the clouds’ own ids', PATIENT, () => {
  it('is verified at all sites first: one wrong entry, and nothing is made anywhere', async () => {
    await expectAfter(
      async (stage) => {
        const good = makeUsersNetwork(stage.lab, EAST, 'users');
        const west = makeUsersNetwork(stage.lab, WEST, 'users');
        const { id } = await stage.create(
          fleetIn({ 'east-1': good.given, 'west-1': { ...west.given, securityGroupIds: ['sg-nowhere'] } }),
        );
        for (let death = 0; death < 3; death += 1) {
          await stage.lab.ground.sleep(SECOND);
          stage.lab.killWorkers('the story');
        }
        const fleet = await stage.until(id, isSettled);
        expect(fleet.errors?.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
          '/network/existing/west-1/securityGroupIds/0 unknown-security-group',
        ]);
        expect(fleet.failures).toMatchObject([{ code: 'InvalidRequest', count: 6 }]);
        expect(standing(stage)).toEqual([...good.made, ...west.made]);
        expect(await stage.resources(id)).toEqual([]);
        expect(stage.creates()).toEqual([]);
        await stage.remove(id);
        await stage.until(id, isGone);
      },
      { Terminated: 1 },
      calmScenario({}, LIMITS),
    );
  });

  it('has an error for each fault at each site, and each instance fails with the reason', async () => {
    await expectAfter(
      async (stage) => {
        const nowhere = { networkId: 'net-nowhere', securityGroupIds: ['sg-nowhere'] };
        const { id } = await stage.create(fleetIn({ 'east-1': nowhere, 'west-1': nowhere }));
        const fleet = await stage.until(id, isSettled);
        const each = BOTH.flatMap((location) => [
          `/network/existing/${location}/networkId unknown-network`,
          `/network/existing/${location}/securityGroupIds/0 unknown-security-group`,
        ]);
        expect(fleet.errors?.map(({ pointer, code }) => `${pointer} ${code}`).toSorted()).toEqual(each);
        expect(fleet.counts).toMatchObject({ Failed: 6 });
        expect(standing(stage)).toEqual([]);
        await stage.remove(id);
        await stage.until(id, isGone);
      },
      { Terminated: 1 },
      calmScenario({}, LIMITS),
    );
  });

  it('is verified again in the next round: a fleet whose entry was mended at the cloud comes up', async () => {
    await expectAfter(
      async (stage) => {
        const east = makeUsersNetwork(stage.lab, EAST, 'users');
        const west = makeUsersNetwork(stage.lab, WEST, 'users');
        const { resources } = stage.lab.clouds.engine.world.state.site({
          cloud: WEST.cloud,
          account: WEST.connection,
          location: WEST.location,
        });
        const group = west.made.find(({ kind }) => kind === 'security-group');
        const key = [...resources].find(([, one]) => one === group)?.[0];
        if (!group || key === undefined) throw new Error('the user has no security group');
        resources.delete(key);
        const { id } = await stage.create(fleetIn({ 'east-1': east.given, 'west-1': west.given }));
        const failed = await stage.until(id, isSettled);
        expect(failed.errors).toMatchObject([{ code: 'unknown-security-group' }]);
        resources.set(key, group);
        await stage.act(id, 'retry');
        const up = await stage.until(id, isUp);
        expect(up.errors).toBeUndefined();
        await stage.remove(id);
        await stage.until(id, isGone);
        expect(standing(stage)).toEqual([...east.made, ...west.made]);
      },
      { Terminated: 1 },
      calmScenario({}, LIMITS),
    );
  });

  it('holds the other sites for two minutes at most while the cloud does not answer for a site', async () => {
    await expectAfter(
      async (stage) => {
        const east = makeUsersNetwork(stage.lab, EAST, 'users');
        const west = makeUsersNetwork(stage.lab, WEST, 'users');
        const repair = stage.addFault({ kind: 'error', call: 'listResources', location: 'west-1' });
        const { id } = await stage.create(fleetIn({ 'east-1': east.given, 'west-1': west.given }));
        await stage.lab.ground.sleep(120 * SECOND);
        const here = stage.lab.clouds.engine.world.state.site({
          cloud: EAST.cloud,
          account: EAST.connection,
          location: EAST.location,
        });
        expect(here.live.size).toBe(3);
        expect(resourcesAt(stage.lab, WEST)).toEqual(west.made);
        repair();
        await stage.until(id, isUp);
      },
      { Running: 1 },
      calmScenario({}, LIMITS),
    );
  });
});
