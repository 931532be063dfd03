import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../functions/model/fleet.ts';
import { EC2_METERING } from '../samples/ec2-metering.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario, type Story } from './scenario/run.ts';
import type { Stage } from './scenario/stage.ts';

const PATIENT = { timeout: 120_000 };
const SIZE = 100;
const AT = { locations: ['east-1'] };
const isUp = ({ status }: Fleet) => status === 'Running';
const createsOf = (stage: Stage) => stage.lab.clouds.asked.filter(({ call }) => call === 'create').length;
const batchesOf = (stage: Stage) =>
  stage.lab.ground.trace.lines.filter((line) => /POST aws\/locations\/east-1\/instances\/batch/.test(line));

async function play(story: Story, traits: Parameters<typeof calmScenario>[1] = {}): Promise<void> {
  const { violations } = await runScenario(calmScenario({}, { ...EC2_METERING, ...traits }), true, story);
  expect(violations).toEqual([]);
}

describe('create calls for 100 machines', PATIENT, () => {
  it('a fleet of 100 alike machines needs one create call', async () => {
    await play(async (stage) => {
      const { id } = await stage.create(fleetAt(['sim-aws'], SIZE, AT));
      await stage.until(id, isUp);
      expect(batchesOf(stage)).toHaveLength(1);
      expect(stage.lab.clouds.machines()).toHaveLength(SIZE);
    });
  });

  it('if a location has room for 40 of 100 machines, these run, and the others fail after few calls', async () => {
    await play(
      async (stage) => {
        const { id } = await stage.create(fleetAt(['sim-aws'], SIZE, AT));
        const fleet = await stage.until(id, ({ status }) => status === 'PartiallyRunning');
        expect(fleet.counts).toMatchObject({ Running: 40, Failed: 60 });
        expect(stage.lab.clouds.machines()).toHaveLength(40);
        expect(createsOf(stage)).toBeLessThanOrEqual(3);
      },
      { rooms: { a: 40 } },
    );
  });

  it('the machines for which a zone has no room go to another zone, and those for which it has room stay', async () => {
    await play(
      async (stage) => {
        const { id } = await stage.create(fleetAt(['sim-aws'], SIZE, AT));
        const fleet = await stage.until(id, isUp);
        const machines = stage.lab.clouds.machines();
        expect(Map.groupBy(machines, ({ zone }) => zone).get('east-1a')).toHaveLength(10);
        expect(machines).toHaveLength(SIZE);
        expect(new Set((await stage.records(fleet)).map(({ backendId }) => backendId)).size).toBe(SIZE);
        expect(createsOf(stage)).toBeLessThanOrEqual(6);
      },
      { rooms: { a: 10, b: SIZE } },
    );
  });

  it.each(['loseReplyAfterEffect', 'loseReplyBeforeEffect'] as const)(
    'if the reply to a call is lost (%s), its machines are found by their tokens, and none is made twice',
    async (kind) => {
      await play(async (stage) => {
        stage.addFault({ kind, call: 'create', count: 1 });
        const { id } = await stage.create(fleetAt(['sim-aws'], SIZE, AT));
        await stage.until(id, isUp);
        expect(stage.lab.clouds.machines()).toHaveLength(SIZE);
      });
    },
  );

  it('a chunk that is delivered twice at the same time makes each machine once', async () => {
    await play(async (stage) => {
      const { queue } = stage.lab;
      const send = queue.send.bind(queue);
      queue.send = (body, delaySeconds) => {
        send(body, delaySeconds);
        if (/"kind":"launch"/.test(body)) send(body, delaySeconds);
      };
      const { id } = await stage.create(fleetAt(['sim-aws'], SIZE, AT));
      await stage.until(id, isUp);
      expect(stage.lab.clouds.machines()).toHaveLength(SIZE);
    });
  });

  it.each([0, 100, 250, 400])(
    'a worker that dies %i ms after its call was sent loses no machine, and makes none twice',
    async (afterMs) => {
      await play(async (stage) => {
        const { id } = await stage.create(fleetAt(['sim-aws'], SIZE, AT));
        while (!stage.lab.clouds.asked.some(({ call }) => call === 'create'))
          await stage.lab.ground.sleep(10);
        await stage.lab.ground.sleep(afterMs);
        expect(stage.lab.killWorkers('the story')).toBeGreaterThan(0);
        await stage.until(id, isUp);
        expect(stage.lab.clouds.machines()).toHaveLength(SIZE);
      });
    },
  );
});
