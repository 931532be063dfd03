import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../functions/model/fleet.ts';
import { type FleetRequest, fleetRequestSchema } from '../../functions/model/fleet-request.ts';
import { EC2_METERING } from '../samples/ec2-metering.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario, type Story } from './scenario/run.ts';
import type { Stage } from './scenario/stage.ts';

const PATIENT = { timeout: 240_000 };
const COUNT = 24;
/** Time in ms between two requests. The cloud takes two create calls a second. */
const APART_MS = 60;
const PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';
const hasEnded = ({ status }: Fleet) => status === 'Terminated';
const isUp = ({ status }: Fleet) => status === 'Running';

/** Returns a request for one machine. All requests are alike unless they have user data. */
function single(name: string, userData?: string): FleetRequest {
  const request = fleetAt(['sim-aws'], 1, { name, locations: ['east-1'] });
  const [group] = request.nodeGroups;
  return fleetRequestSchema.parse({
    name,
    network: { mode: 'shared' },
    nodeGroups: [
      {
        ...group,
        ssh: { allowFrom: '10.0.0.0/8', publicKeys: [PUBLIC_KEY] },
        ...(userData === undefined ? {} : { userData }),
      },
    ],
  });
}

/** Plays a story in which a first machine keeps the network, and the meters of the cloud are full. */
async function play(story: Story, traits: Parameters<typeof calmScenario>[1] = {}) {
  const opened: Story = async (stage) => {
    const first = await stage.create(single('first'));
    await stage.until(first.id, isUp);
    await stage.pass(5);
    await story(stage);
  };
  const scenario = calmScenario({ networkGraceMs: 60 * 60_000 }, { ...EC2_METERING, ...traits });
  const { violations, counts } = await runScenario(scenario, false, opened);
  expect(violations).toEqual([]);
  return counts;
}

/** Asks for machines one after the other. @returns the fleets */
async function askForMany(stage: Stage, userDataOf: (at: number) => string | undefined = () => undefined) {
  const asked: Promise<Fleet>[] = [];
  for (let at = 0; at < COUNT; at += 1) {
    asked.push(stage.create(single(`one-${at}`, userDataOf(at))));
    await stage.lab.ground.sleep(APART_MS);
  }
  return await Promise.all(asked);
}

const machinesOf = (stage: Stage, { id }: Fleet) =>
  stage.lab.clouds.machines().filter(({ ours }) => ours?.startsWith(id));

async function allUp(stage: Stage, fleets: readonly Fleet[]): Promise<void> {
  for (const fleet of fleets) await stage.until(fleet.id, isUp);
  for (const fleet of fleets) expect(machinesOf(stage, fleet)).toHaveLength(1);
}

describe('create calls for several fleets', PATIENT, () => {
  it('alike requests for one machine each share create calls', async () => {
    const counts = await play(async (stage) => {
      const sinceMs = stage.lab.ground.now();
      await allUp(stage, await askForMany(stage));
      expect(stage.creates(sinceMs).length).toBeLessThanOrEqual(COUNT / 2);
    });
    expect(counts.sharedCalls).toBeGreaterThan(0);
  });

  it('requests with different user data share none', async () => {
    const counts = await play(async (stage) => {
      const sinceMs = stage.lab.ground.now();
      await allUp(stage, await askForMany(stage, (at) => `#!/bin/sh\necho ${at}`));
      expect(stage.creates(sinceMs)).toHaveLength(COUNT);
    });
    expect(counts.sharedCalls).toBe(0);
  });

  it.each([0, 400, 1_000, 2_500])(
    'fleets that are removed %i ms after the last request leave no machine, and the fleets that shared their calls run',
    async (afterMs) => {
      await play(async (stage) => {
        const fleets = await askForMany(stage);
        await stage.lab.ground.sleep(afterMs);
        const removed = fleets.filter((_, at) => at % 3 === 0);
        await Promise.all(removed.map(({ id }) => stage.remove(id)));
        await allUp(
          stage,
          fleets.filter((_, at) => at % 3 !== 0),
        );
        for (const { id } of removed) await stage.until(id, hasEnded);
        expect(
          stage.standing().filter(({ ours = '' }) => removed.some(({ id }) => ours.startsWith(id))),
        ).toEqual([]);
      });
    },
  );

  it.each([0, 150, 300, 600, 1_200])(
    'workers that die %i ms after a shared call was sent lose no launch, and make no machine twice',
    async (afterMs) => {
      await play(async (stage) => {
        const fleets = askForMany(stage);
        const { ground } = stage.lab;
        while (ground.counts.sharedCalls === 0) await ground.sleep(10);
        await ground.sleep(afterMs);
        stage.lab.killWorkers('the story');
        await allUp(stage, await fleets);
      });
    },
  );

  it.each(['loseReplyAfterEffect', 'loseReplyBeforeEffect'] as const)(
    'if the reply to a shared call is lost (%s), its machines are found by their tokens, and none is made twice',
    async (kind) => {
      await play(async (stage) => {
        const fleets = askForMany(stage);
        const { ground } = stage.lab;
        while (ground.counts.sharedCalls === 0) await ground.sleep(10);
        stage.addFault({ kind, call: 'create', count: 2 });
        await allUp(stage, await fleets);
      });
    },
  );

  it('if a location has room for some machines of shared calls, these run, and the fleets of the others fail', async () => {
    await play(
      async (stage) => {
        const fleets = await askForMany(stage);
        const settled = [];
        for (const { id } of fleets)
          settled.push(await stage.until(id, ({ status }) => status === 'Running' || status === 'Failed'));
        expect(settled.filter(isUp)).toHaveLength(10);
        expect(stage.standing()).toHaveLength(11);
      },
      { rooms: { a: 11 } },
    );
  });
});
