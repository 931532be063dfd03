import { describe, expect, it } from 'vitest';
import { CALM } from './ground/disturbance.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { AWS, EAST, expectAfter, isGone, isUp, MINUTE, PATIENT, SLOTS } from './scenario/limited.ts';
import { runScenario, type Story } from './scenario/run.ts';
import type { Scenario } from './scenario/scenario.ts';

const SEEDS = [1, 2, 3];
const RATES = { list: { perSecond: 5, burst: 10 }, mutate: { perSecond: 10, burst: 20 } };

describe('a call that makes two machines', PATIENT, () => {
  it.each(SEEDS)(
    'a record is bound to one of the two machines that its create call made, and the other machine is removed (seed %i)',
    async (seed) => {
      const size = 24;
      // A list may show the second machine seconds before the create call is answered.
      const traits = { submitMs: [100, 4_000] as [number, number] };
      await expectAfter(
        async (stage) => {
          const mended = stage.addFault({ kind: 'duplicateEffect', call: 'create' });
          const { id } = await stage.create(fleetAt(AWS, size, EAST));
          await stage.until(id, isUp);
          mended();
          expect(stage.lab.clouds.machines()).toHaveLength(2 * size);
          await stage.pass(10);
          expect(stage.standing()).toHaveLength(size);
          await stage.remove(id);
          await stage.until(id, isGone);
          expect(stage.standing()).toEqual([]);
        },
        { Terminated: 1 },
        calmScenario({ seed }, traits),
      );
    },
  );
});

describe('the slot of a worker that is slower than its time limit', PATIENT, () => {
  const size = 5 * SLOTS;
  const SLOW_MS = 20_000;

  /**
   * Plays the story, and expects the fleet to run. Slow calls let polls act between the permit of a launch and
   * its create call.
   */
  async function expectUpAfter(
    story: Story,
    changes: Partial<Scenario>,
    traits: Parameters<typeof calmScenario>[1] = {},
  ): Promise<void> {
    const disturbance = { ...CALM, newProcess: 1 };
    const scenario = calmScenario({ disturbance, driverTimeoutMs: 60_000, ...changes }, traits);
    const { violations, outcomes } = await runScenario(scenario, true, story);
    expect(violations).toEqual([]);
    expect(outcomes).toEqual({ Running: 1 });
  }

  it.each(SEEDS)(
    'no create call is sent without a slot while polls with fast clocks reclaim slots (seed %i)',
    async (seed) => {
      await expectUpAfter(
        async (stage) => {
          const { ground } = stage.lab;
          // The fleet is small, because `SLOTS` launches take twenty minutes with this skew.
          const few = 3 * SLOTS;
          // On the clock of a fast worker, a shorter time limit would pass before the machines run.
          const patient = { ...EAST, instanceTimeoutSeconds: 14_400 };
          ground.holdUpMs = (call) => (call.startsWith('TransactWrite FLEET#') ? SLOW_MS : 0);
          const { id } = await stage.create(fleetAt(AWS, few, patient));
          await stage.until(id, isUp);
        },
        { seed, skewMs: 10 * MINUTE },
      );
    },
  );

  it.each(SEEDS)(
    'a fleet runs although launches request the slots that a slow poll is reclaiming (seed %i)',
    async (seed) => {
      await expectUpAfter(
        async (stage) => {
          const { ground, tables } = stage.lab;
          const { id } = await stage.create(fleetAt(AWS, size, EAST));
          while (stage.creates().length < 3) await ground.sleep(50);
          // The outage keeps the launches that hold slots from reaching the governor at their start times.
          tables.down.add('governor');
          await stage.pass(5);
          tables.down.delete('governor');
          const polls = new Set<string>();
          ground.holdUpMs = (call, process) => {
            if (call.startsWith('GET aws/locations/east-1/instances?')) polls.add(process);
            // Delays the effect of the poll's decision. In that time a launch requests its permit.
            if (call.startsWith('Query QUEUE#') && polls.has(process)) return 2 * SLOW_MS;
            return call.startsWith('Query NET#') ? 1.75 * SLOW_MS : 0;
          };
          await stage.pass(2);
          ground.holdUpMs = () => 0;
          await stage.until(id, isUp);
        },
        { seed, driverTimeoutMs: 120_000 },
        {
          slots: { locations: 1, instancesPerLocation: size },
          rates: { ...RATES, create: { perSecond: 1, burst: 2 } },
          bootSeconds: [40, 60],
        },
      );
    },
  );
});

describe('a very slow boot', PATIENT, () => {
  it('a machine that boots for 90 minutes keeps its slot all that time', async () => {
    const bootSeconds = [5_400, 5_460] as [number, number];
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(
          fleetAt(AWS, SLOTS + 1, { ...EAST, instanceTimeoutSeconds: 14_400 }),
        );
        await stage.pass(100);
        expect((await stage.read(id)).counts).toMatchObject({ Running: SLOTS, Creating: 1 });
        await stage.until(id, isUp);
      },
      { Running: 1 },
      calmScenario({}, { bootSeconds }),
    );
  });
});
