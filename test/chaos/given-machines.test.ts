import { describe, expect, it } from 'vitest';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { imageIdAt } from '../../local/sim/engine/catalogue.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { type CloudSite, resourcesAt } from './scenario/given-networks.ts';
import { AWS, EAST, expectAfter, isGone, isSettled, isUp, PATIENT, SECOND } from './scenario/limited.ts';
import type { Stage } from './scenario/stage.ts';

const HERE: CloudSite = { cloud: 'aws', connection: 'sim-aws', location: 'east-1' };
const LIMITS = { slots: { locations: 2, instancesPerLocation: 20 } };
const ROOMS = { a: 1_000, b: 1_000 };
const IMAGE = imageIdAt(HERE, 'linux', 'img-{hex8}');

/** Returns the request of a fleet in one location, with changed fields of its node group. */
function fleetWith(
  size: number,
  changes: Partial<FleetRequest['nodeGroups'][number]>,
  name = 'web',
): FleetRequest {
  const { nodeGroups, ...fleet } = fleetAt(AWS, size, { ...EAST, name });
  return { ...fleet, nodeGroups: nodeGroups.map((group) => ({ ...group, ...changes })) };
}

const typed = (size: number, name?: string): FleetRequest => {
  const { nodeGroups, ...fleet } = fleetWith(size, {}, name);
  const types = ['small', 'large'];
  return {
    ...fleet,
    nodeGroups: nodeGroups.map(({ instanceType: _, ...group }) => ({ ...group, instanceTypes: types })),
  };
};

const typesOfMachines = ({ lab }: Stage): string[] => {
  const { cloud, connection, location } = HERE;
  const { live } = lab.clouds.engine.world.state.site({ cloud, account: connection, location });
  return [...live.values()]
    .filter(({ removeAskedAtMs }) => removeAskedAtMs === undefined)
    .map(({ instanceType }) => instanceType);
};

describe('an image by the cloud’s own id', PATIENT, () => {
  it('is verified at the cloud, and boots the machines of the fleet', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetWith(5, { image: IMAGE }));
        await stage.until(id, isUp);
        expect(typesOfMachines(stage)).toHaveLength(5);
      },
      { Running: 1 },
      calmScenario({}, LIMITS),
    );
  });

  it('that the cloud does not have fails the fleet with its field, and nothing is made', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetWith(5, { image: 'img-00000000' }));
        stage.lab.killWorkers('the story');
        const fleet = await stage.until(id, isSettled);
        expect(fleet.errors).toMatchObject([{ pointer: '/nodeGroups/0/image', code: 'unknown-image' }]);
        expect(fleet.failures).toMatchObject([{ code: 'InvalidRequest', count: 5 }]);
        expect(resourcesAt(stage.lab, HERE)).toEqual([]);
        expect(stage.creates()).toEqual([]);
        await stage.remove(id);
        await stage.until(id, isGone);
      },
      { Terminated: 1 },
      calmScenario({}, LIMITS),
    );
  });
});

describe('several instance types', PATIENT, () => {
  it('all machines get the next type while the first has no capacity, although workers die again and again', async () => {
    await expectAfter(
      async (stage) => {
        stage.addFault({ kind: 'capacity', call: 'create', location: 'east-1', instanceType: 'small' });
        const ids: string[] = [];
        for (let at = 0; at < 3; at += 1) {
          ids.push((await stage.create(typed(8, `web-${at}`))).id);
          await stage.lab.ground.sleep(2 * SECOND);
          stage.lab.killWorkers('the story');
        }
        for (const id of ids) await stage.until(id, isUp);
        expect(typesOfMachines(stage)).toEqual(Array.from({ length: 24 }, () => 'large'));
        const fleet = await stage.until(ids[0] ?? '', isUp);
        // The price of the large type, and of a public address.
        expect(fleet.usdPerHour).toBeCloseTo(8 * (0.1 + 0.005));
      },
      { Running: 3 },
      calmScenario({}, { ...LIMITS, rooms: ROOMS }),
    );
  });

  it('machines get the first type again when it has capacity', async () => {
    await expectAfter(
      async (stage) => {
        const end = stage.addFault({
          kind: 'capacity',
          call: 'create',
          location: 'east-1',
          instanceType: 'small',
        });
        const first = await stage.create(typed(3, 'first'));
        await stage.until(first.id, isUp);
        end();
        await stage.pass(400);
        const second = await stage.create(typed(3, 'second'));
        await stage.until(second.id, isUp);
        expect(typesOfMachines(stage).toSorted()).toEqual([
          'large',
          'large',
          'large',
          'small',
          'small',
          'small',
        ]);
      },
      { Running: 2 },
      calmScenario({}, { ...LIMITS, rooms: ROOMS }),
    );
  });
});
