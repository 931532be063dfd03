import { describe, expect, it } from 'vitest';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import type { GivenNetwork } from '../../functions/model/network-choice.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { type CloudSite, makeUsersNetwork, resourcesAt } from './scenario/given-networks.ts';
import { AWS, EAST, expectAfter, isGone, isSettled, isUp, PATIENT, SECOND } from './scenario/limited.ts';
import type { Stage } from './scenario/stage.ts';

const HERE: CloudSite = { cloud: 'aws', connection: 'sim-aws', location: 'east-1' };
const LIMITS = { slots: { locations: 2, instancesPerLocation: 20 } };
const ROOMS = { a: 1_000, b: 1_000, c: 1_000 };

/** Returns the request of a fleet in one location whose machines go into a given network. */
function fleetIn(given: GivenNetwork, size: number, name = 'web'): FleetRequest {
  const { nodeGroups, ...fleet } = fleetAt(AWS, size, { ...EAST, name });
  return {
    ...fleet,
    network: { mode: 'existing', existing: { 'east-1': given } },
    nodeGroups: nodeGroups.map(({ ssh: _, ...group }) => group),
  };
}

/** Returns the machines at the site with what they are connected to. */
const machinesIn = ({ lab }: Stage) => {
  const { state } = lab.clouds.engine.world;
  const { cloud, connection, location } = HERE;
  return [...state.site({ cloud, account: connection, location }).live.values()].filter(
    ({ removeAskedAtMs }) => removeAskedAtMs === undefined,
  );
};

const kindsAt = (stage: Stage) =>
  resourcesAt(stage.lab, HERE)
    .map(({ kind }) => kind)
    .toSorted();

describe('an existing network', PATIENT, () => {
  it('has the machines of a fleet in its subnets’ zones, and stands unchanged when the fleet is gone', async () => {
    await expectAfter(
      async (stage) => {
        const { given, made } = makeUsersNetwork(stage.lab, HERE, 'users');
        const { 'east-1c': _, ...subnetIds } = given.subnetIds;
        const fleet = await stage.create(fleetIn({ ...given, subnetIds }, 12));
        const up = await stage.until(fleet.id, isUp);
        expect(up.byLocation[0]?.network).toEqual({ mode: 'existing', networkId: given.networkId });
        const machines = machinesIn(stage);
        expect(machines).toHaveLength(12);
        expect(new Set(machines.map(({ networkId }) => networkId))).toEqual(new Set([given.networkId]));
        expect(new Set(machines.flatMap(({ securityGroupIds }) => securityGroupIds))).toEqual(
          new Set(given.securityGroupIds),
        );
        expect(new Set(machines.map(({ zone }) => zone))).toEqual(new Set(['east-1a', 'east-1b']));
        expect(kindsAt(stage)).toEqual(['key-pair', 'network', 'security-group']);
        expect((await stage.resources(fleet.id)).map(({ kind }) => kind)).toEqual(['key-pair']);
        await stage.remove(fleet.id);
        await stage.until(fleet.id, isGone);
        expect(resourcesAt(stage.lab, HERE)).toEqual(made);
      },
      { Terminated: 1 },
      calmScenario({}, { ...LIMITS, rooms: ROOMS }),
    );
  });

  it('stands unchanged although workers die again and again while fleets in it and next to it come and go', async () => {
    await expectAfter(
      async (stage) => {
        const { given, made } = makeUsersNetwork(stage.lab, HERE, 'users');
        const ids: string[] = [];
        for (let at = 0; at < 4; at += 1) {
          const own = { ...fleetAt(AWS, 3, { ...EAST, name: `own-${at}` }) };
          const request = at % 2 === 0 ? fleetIn(given, 5, `in-${at}`) : own;
          ids.push((await stage.create(request)).id);
          await stage.lab.ground.sleep(2 * SECOND);
          stage.lab.killWorkers('the story');
        }
        for (const id of ids) await stage.until(id, isUp);
        expect(machinesIn(stage).filter(({ networkId }) => networkId === given.networkId)).toHaveLength(10);
        for (const id of ids) {
          await stage.remove(id);
          await stage.lab.ground.sleep(SECOND);
          stage.lab.killWorkers('the story');
        }
        for (const id of ids) await stage.until(id, isGone);
        await stage.pass(60);
        expect(resourcesAt(stage.lab, HERE)).toEqual(made);
      },
      { Terminated: 4 },
      calmScenario({}, LIMITS),
    );
  });

  it('that the cloud refuses fails the fleet with every fault, and nothing is made', async () => {
    await expectAfter(
      async (stage) => {
        const { given, made } = makeUsersNetwork(stage.lab, HERE, 'users');
        const other = makeUsersNetwork(stage.lab, HERE, 'other');
        const { id } = await stage.create(
          fleetIn(
            {
              networkId: given.networkId,
              subnetIds: { 'east-1a': 'sub-nowhere', 'east-1z': Object.values(given.subnetIds)[0] ?? '' },
              securityGroupIds: [...given.securityGroupIds, ...other.given.securityGroupIds, 'sg-nowhere'],
            },
            5,
          ),
        );
        const fleet = await stage.until(id, isSettled);
        expect(fleet).toMatchObject({ status: 'Failed', counts: { Failed: 5 } });
        expect(fleet.failures).toMatchObject([{ code: 'InvalidRequest', count: 5 }]);
        expect(fleet.errors?.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
          '/network/existing/east-1/subnetIds/east-1a unknown-subnet',
          '/network/existing/east-1/subnetIds/east-1z other-zone',
          '/network/existing/east-1/securityGroupIds/1 other-network',
          '/network/existing/east-1/securityGroupIds/2 unknown-security-group',
        ]);
        expect(resourcesAt(stage.lab, HERE)).toEqual([...made, ...other.made]);
        expect(stage.creates()).toEqual([]);
        await stage.remove(id);
        await stage.until(id, isGone);
        expect(resourcesAt(stage.lab, HERE)).toEqual([...made, ...other.made]);
      },
      { Terminated: 1 },
      calmScenario({}, LIMITS),
    );
  });

  it('that this deployment made for another fleet is refused, because it is removed with that fleet', async () => {
    await expectAfter(
      async (stage) => {
        const first = await stage.create(fleetAt(AWS, 1, { ...EAST, name: 'first' }));
        await stage.until(first.id, isUp);
        const all = resourcesAt(stage.lab, HERE);
        const network = all.find(({ kind }) => kind === 'network');
        const group = all.find(({ kind }) => kind === 'security-group');
        const { id } = await stage.create(
          fleetIn(
            {
              networkId: network?.backendId ?? '',
              subnetIds: { 'east-1a': network?.subnetId ?? '' },
              securityGroupIds: [group?.backendId ?? ''],
            },
            1,
            'second',
          ),
        );
        const fleet = await stage.until(id, isSettled);
        expect(fleet.errors?.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
          '/network/existing/east-1/networkId made-for-a-fleet',
          '/network/existing/east-1/securityGroupIds/0 made-for-a-fleet',
        ]);
      },
      { Running: 1, Failed: 1 },
      calmScenario({}, LIMITS),
    );
  });

  it('takes machines while the quota of networks is used up', async () => {
    await expectAfter(
      async (stage) => {
        const { given } = makeUsersNetwork(stage.lab, HERE, 'users');
        stage.addFault({ kind: 'quota', call: 'ensure', location: 'east-1', count: 1 });
        await stage.create(fleetAt(AWS, 1, { ...EAST, name: 'waits' }));
        await stage.lab.ground.sleep(2 * SECOND);
        const { id } = await stage.create(fleetIn(given, 2));
        const startedAtMs = stage.lab.ground.now();
        await stage.until(id, isUp);
        expect(stage.lab.ground.now() - startedAtMs).toBeLessThan(60 * SECOND);
      },
      { Running: 2 },
      calmScenario({}, LIMITS),
    );
  });
});
