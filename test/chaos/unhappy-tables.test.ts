import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../functions/model/fleet.ts';
import type { Tables } from '../../functions/platform/store/store.ts';
import { CALM } from './ground/disturbance.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario } from './scenario/run.ts';
import type { Stage } from './scenario/stage.ts';

/** More than have a slot at a time: most are still to be asked for when the table goes. */
const SIZE = 40;
const FAST = { perSecond: 10, burst: 20 };
/** Hours go by in seconds, but on a busy machine those are long. */
const PATIENT = { timeout: 60_000 };
/** What had its permit when the table went is asked for, and answered, by then. */
const LAST_CALLS_MINUTES = 0.5;
const OUTAGE_MINUTES = 2;
/** Longest wait of a message (Backoff), with its jitter, and a boot. */
const BACK_SECONDS = 30 + 20;

const isUp = ({ status }: Fleet) => status === 'Running';
const isCreating = ({ counts }: Fleet) => (counts.Running ?? 0) > 2;
const madeAt = ({ lab }: Stage) => lab.clouds.machines().map(({ acceptedAtMs }) => acceptedAtMs);

describe.each(['governor', 'fleets', 'access'] as const)('table %s, down for two minutes', (table) => {
  it(
    'has nothing asked for without a permit or a record, nothing lost, and all run soon after',
    PATIENT,
    async () => {
      const { violations, outcomes, counts } = await runScenario(calmScenario(), false, async (stage) => {
        const { down } = stage.lab.tables;
        const { id } = await stage.create(fleetAt(['sim-aws', 'sim-gcp'], SIZE));
        await stage.until(id, isCreating);
        down.add(table satisfies keyof Tables);
        await stage.pass(LAST_CALLS_MINUTES);
        const asked = madeAt(stage).length;
        await stage.pass(OUTAGE_MINUTES - LAST_CALLS_MINUTES);
        // Connections are kept for a minute: what waits for their table needs one more often.
        if (table !== 'access') expect(madeAt(stage)).toHaveLength(asked);
        expect(asked).toBeLessThan(2 * SIZE);
        down.delete(table);
        const backAtMs = stage.lab.ground.now();
        const fleet = await stage.until(id, isUp);
        expect(fleet.failures).toEqual([]);
        const next = madeAt(stage).filter((atMs) => atMs > backAtMs);
        expect(Math.min(...next) - backAtMs).toBeLessThan(BACK_SECONDS * 1_000);
      });
      expect(violations).toEqual([]);
      expect(outcomes).toEqual({ Running: 1 });
      expect(counts.unanswered).toBeGreaterThan(5);
      expect(counts.failedReceives).toBe(0);
    },
  );
});

describe('a table that refuses writes of two that come at once', PATIENT, () => {
  it('ends no worker that waits for permits while calls of its own fail', async () => {
    const mutate = { perSecond: 2, burst: 2 };
    const scenario = calmScenario({}, { rates: { create: FAST, list: FAST, mutate } });
    const { violations, outcomes } = await runScenario(scenario, false, async (stage) => {
      const { id } = await stage.create(fleetAt(['sim-aws'], SIZE));
      await stage.until(id, isUp);
      stage.addFault({ kind: 'throttle', call: 'terminate', probability: 0.5 });
      await stage.remove(id);
      stage.lab.ground.disturbance = { ...CALM, conflict: 0.17 };
      await stage.until(id, ({ status }) => status === 'Terminated');
      expect(stage.standing()).toEqual([]);
    });
    expect(violations).toEqual([]);
    expect(outcomes).toEqual({ Terminated: 1 });
  });
});

describe('a table that goes down between the acceptance of a machine and the first poll that could see it', () => {
  it('has the machine polled when it is back', PATIENT, async () => {
    const { violations, outcomes } = await runScenario(calmScenario(), false, async (stage) => {
      const { lab } = stage;
      const { id } = await stage.create(fleetAt(['sim-aws'], 1));
      while (madeAt(stage).length === 0) await lab.ground.sleep(10);
      lab.tables.down.add('governor');
      await stage.pass(0.5);
      lab.tables.down.delete('governor');
      const backAtMs = lab.ground.now();
      await stage.until(id, isUp);
      expect(lab.ground.now() - backAtMs).toBeLessThan(60_000);
    });
    expect(violations).toEqual([]);
    expect(outcomes).toEqual({ Running: 1 });
  });
});

describe('tables that throttle every third request', () => {
  it('have a fleet run later, and lose nothing', PATIENT, async () => {
    const { violations, outcomes, counts } = await runScenario(calmScenario(), false, async (stage) => {
      const { id } = await stage.create(fleetAt(['sim-aws', 'sim-gcp'], SIZE / 4));
      await stage.until(id, ({ status }) => status === 'Creating');
      stage.lab.ground.disturbance = { ...CALM, throttle: 0.33 };
      await stage.pass(5);
      stage.lab.ground.disturbance = CALM;
      await stage.until(id, isUp);
    });
    expect(violations).toEqual([]);
    expect(outcomes).toEqual({ Running: 1 });
    expect(counts.throttles).toBeGreaterThan(100);
    expect(counts.failedReceives).toBe(0);
  });
});
