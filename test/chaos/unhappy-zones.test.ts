import { describe, expect, it } from 'vitest';
import { fleetRequestSchema } from '../../functions/model/fleet-request.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import {
  AWS,
  EAST,
  expectAfter,
  failureCodes,
  isSettled,
  isUp,
  PATIENT,
  SECOND,
} from './scenario/limited.ts';
import type { Stage } from './scenario/stage.ts';

const SIZE = 30;
const EVERYWHERE = { a: 1_000, b: 1_000, c: 1_000 };
const LIMITS = { slots: { locations: 2, instancesPerLocation: 20 } };

/** Returns the number of machines in each zone. */
function byZone({ lab }: Stage): Record<string, number> {
  const standing = lab.clouds.machines().filter(({ status }) => status !== 'Terminated');
  const zones = Map.groupBy(standing, ({ zone = '' }) => zone);
  return Object.fromEntries([...zones].map(([zone, machines]) => [zone, machines.length]));
}

const callsOf = ({ lab }: Stage) => lab.clouds.asked.filter(({ call }) => call === 'create').length;

describe('a location with zones', PATIENT, () => {
  it('the machines of a fleet are spread evenly over the zones', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE, EAST));
        await stage.until(id, isUp);
        expect(byZone(stage)).toEqual({ 'east-1a': 10, 'east-1b': 10, 'east-1c': 10 });
        expect(callsOf(stage)).toBe(SIZE);
      },
      { Running: 1 },
      calmScenario({}, { ...LIMITS, rooms: EVERYWHERE }),
    );
  });

  it('all machines run in the other zones if one zone is full, and few calls are refused', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE, EAST));
        await stage.until(id, isUp);
        expect(byZone(stage)).toEqual({ 'east-1b': 15, 'east-1c': 15 });
        expect(callsOf(stage)).toBeLessThanOrEqual(SIZE + 10);
      },
      { Running: 1 },
      calmScenario({}, { ...LIMITS, rooms: { ...EVERYWHERE, a: 0 } }),
    );
  });

  it.each([2, 8])('batches of %i machines fill the room of all zones exactly', async (instancesPerCall) => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE, EAST));
        await stage.until(id, isUp);
        expect(byZone(stage)).toEqual({ 'east-1a': 3, 'east-1b': 9, 'east-1c': 18 });
      },
      { Running: 1 },
      calmScenario({}, { ...LIMITS, instancesPerCall, rooms: { a: 3, b: 9, c: 18 } }),
    );
  });

  it('machines for which no zone has room are created at another location', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 12));
        await stage.until(id, isUp);
        const zones = byZone(stage);
        expect(Object.values(zones).reduce((sum, count) => sum + count, 0)).toBe(12);
        expect(zones['east-1a']).toBe(2);
      },
      { Running: 1 },
      calmScenario({}, { ...LIMITS, rooms: { a: 2, b: 2, c: 2 } }),
    );
  });

  it('machines that no zone takes fail with the cloud’s message', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 6, EAST));
        const fleet = await stage.until(id, isSettled);
        expect(fleet.counts).toMatchObject({ Running: 2, Failed: 4 });
        expect(failureCodes(fleet)).toEqual(['InsufficientCapacity']);
        expect(fleet.failures[0]?.example).toContain('has no capacity left');
      },
      { PartiallyRunning: 1 },
      calmScenario({}, { ...LIMITS, rooms: { a: 1, b: 1 } }),
    );
  });

  it('all machines run, each once, if all workers die again and again while launches go round a full zone', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE, EAST));
        for (let death = 0; death < 8; death += 1) {
          await stage.lab.ground.sleep(1.5 * SECOND);
          stage.lab.killWorkers('the story');
        }
        await stage.until(id, isUp);
        expect(byZone(stage)['east-1a']).toBeUndefined();
      },
      { Running: 1 },
      calmScenario({}, { ...LIMITS, rooms: { ...EVERYWHERE, a: 0 } }),
    );
  });
});

it(
  'the machines of a node group get the first type in its order that costs no more than it allows',
  PATIENT,
  async () => {
    await expectAfter(
      async (stage) => {
        const request = fleetAt(AWS, 3, EAST);
        const nodeGroups = request.nodeGroups.map(({ instanceType: _, ...group }) => ({
          ...group,
          instanceTypes: ['large', 'small'],
          maxUsdPerHour: 0.06,
        }));
        const { id } = await stage.create(fleetRequestSchema.parse({ ...request, nodeGroups }));
        await stage.until(id, isUp);
        expect(stage.standing().map(({ instanceType }) => instanceType)).toEqual(['small', 'small', 'small']);
      },
      { Running: 1 },
    );
  },
);
