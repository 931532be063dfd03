import { describe, expect, it } from 'vitest';
import type { Connection } from '../../functions/model/connection.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import type { GivenNetwork, NetworkChoice } from '../../functions/model/network-choice.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { type CloudSite, makeUsersNetwork, resourcesAt } from './scenario/given-networks.ts';
import { AWS, EAST, expectAfter, isGone, isSettled, isUp, PATIENT, SECOND } from './scenario/limited.ts';
import type { Stage } from './scenario/stage.ts';
import { NAMESPACE } from './world/lab.ts';

const HERE: CloudSite = { cloud: 'aws', connection: 'sim-aws', location: 'east-1' };
const LIMITS = { slots: { locations: 2, instancesPerLocation: 20 } };
const USERS_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA user';
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

  it('has machines with the user’s key next to machines with the key of the fleet', async () => {
    await expectAfter(
      async (stage) => {
        const { given, made } = makeUsersNetwork(stage.lab, HERE, 'users');
        const { nodeGroups, ...fleet } = fleetIn(given, 2);
        const ssh = { publicKeys: [USERS_KEY] };
        const ofUser = nodeGroups.map((group) => ({ ...group, name: 'with-key', ssh }));
        const { id } = await stage.create({ ...fleet, nodeGroups: [...nodeGroups, ...ofUser] });
        await stage.until(id, isUp);
        expect(machinesIn(stage)).toHaveLength(4);
        expect(kindsAt(stage)).toEqual(['key-pair', 'key-pair', 'network', 'security-group']);
        await stage.remove(id);
        await stage.until(id, isGone);
        expect(resourcesAt(stage.lab, HERE)).toEqual(made);
      },
      { Terminated: 1 },
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

const DEFAULT = { query: {}, idempotencyKey: undefined };

/** Sets the default network of the connection, and waits until it is in force or refused. */
async function setNetwork(stage: Stage, network: NetworkChoice): Promise<Connection> {
  const params = { namespace: NAMESPACE, connection: 'sim-aws' };
  await stage.lab.requestConnections((api) =>
    api.setConnectionNetwork({ ...DEFAULT, params, body: network }),
  );
  for (;;) {
    const connection = await stage.connection('sim-aws');
    if (connection.networkChange?.status !== 'Verifying') return connection;
    await stage.lab.ground.sleep(SECOND);
  }
}

const saysNothing = (size: number): FleetRequest => {
  const { nodeGroups, ...fleet } = fleetAt(AWS, size, EAST);
  return { ...fleet, nodeGroups: nodeGroups.map(({ ssh: _, ...group }) => group) };
};

describe('the default network of a connection', PATIENT, () => {
  it('is verified before it is in force, and then has the machines of fleets that say nothing', async () => {
    await expectAfter(
      async (stage) => {
        const { given, made } = makeUsersNetwork(stage.lab, HERE, 'users');
        const network = { mode: 'existing' as const, existing: { 'east-1': given } };
        const connection = await setNetwork(stage, network);
        expect([connection.network, connection.networkChange]).toEqual([network, undefined]);
        const { id } = await stage.create(saysNothing(3));
        const fleet = await stage.until(id, isUp);
        expect([fleet.network, fleet.byLocation[0]?.network]).toEqual([
          undefined,
          { mode: 'existing', networkId: given.networkId },
        ]);
        await expect(
          stage.create(fleetAt(AWS, 1, { locations: ['west-1'], name: 'west' })),
        ).rejects.toMatchObject({
          errors: [{ pointer: '/nodeGroups/0/locations/0', code: 'no-network' }],
        });
        await stage.remove(id);
        await stage.until(id, isGone);
        expect(resourcesAt(stage.lab, HERE)).toEqual(made);
      },
      { Terminated: 1 },
      calmScenario({}, LIMITS),
    );
  });

  it('stays as it was if the cloud refuses another one, whose faults are shown by field', async () => {
    await expectAfter(
      async (stage) => {
        const { given } = makeUsersNetwork(stage.lab, HERE, 'users');
        const network = { mode: 'existing' as const, existing: { 'east-1': given } };
        await setNetwork(stage, network);
        const refused = await setNetwork(stage, {
          mode: 'existing',
          existing: { 'east-1': { ...given, securityGroupIds: ['sg-nowhere'] }, 'west-1': given },
        });
        expect(refused.network).toEqual(network);
        expect(refused.networkChange?.errors?.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
          '/existing/east-1/securityGroupIds/0 unknown-security-group',
          '/existing/west-1/networkId unknown-network',
          '/existing/west-1/securityGroupIds/0 unknown-security-group',
        ]);
        const { network: now, networkChange } = await setNetwork(stage, { mode: 'dedicated' });
        expect([now, networkChange]).toEqual([{ mode: 'dedicated' }, undefined]);
      },
      {},
      calmScenario({}, LIMITS),
    );
  });

  it('is verified although workers die while the cloud answers with errors for some time', async () => {
    await expectAfter(
      async (stage) => {
        const { given } = makeUsersNetwork(stage.lab, HERE, 'users');
        const network = { mode: 'existing' as const, existing: { 'east-1': given } };
        const repair = stage.addFault({ kind: 'error', call: 'listResources' });
        const setting = setNetwork(stage, network);
        for (let death = 0; death < 3; death += 1) {
          await stage.lab.ground.sleep(3 * SECOND);
          stage.lab.killWorkers('the story');
        }
        repair();
        expect((await setting).network).toEqual(network);
      },
      {},
      calmScenario({}, LIMITS),
    );
  });
});
