import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../functions/model/fleet.ts';
import type { Tables } from '../../functions/platform/store/store.ts';
import { CALM } from './ground/disturbance.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario } from './scenario/run.ts';
import type { Stage } from './scenario/stage.ts';

/**
 * Number of instances, more than there are slots. Most instances have no create call yet when the table goes
 * down.
 */
const SIZE = 40;
const FAST = { perSecond: 10, burst: 20 };
/** Allows a long time: virtual hours take seconds of real time, and more on a busy machine. */
const PATIENT = { timeout: 60_000 };
/** After this time, creates that had a permit when the table went down are sent and answered. */
const LAST_CALLS_MINUTES = 0.5;
const OUTAGE_MINUTES = 2;
/** Longest backoff of a message, jitter included, plus the time of a boot. */
const BACK_SECONDS = 30 + 20;

const isUp = ({ status }: Fleet) => status === 'Running';
const isCreating = ({ counts }: Fleet) => (counts.Running ?? 0) > 2;
const madeAt = ({ lab }: Stage) => lab.clouds.machines().map(({ acceptedAtMs }) => acceptedAtMs);

describe.each(['governor', 'fleets', 'access'] as const)('table %s down for two minutes', (table) => {
  it(
    `a fleet loses no instance while the table ${table} is down for two minutes, and runs soon after that`,
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
        // Workers cache connections for a minute, so they send creates for a while without the table
        // `access`.
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

describe('conflicting writes', PATIENT, () => {
  it('a deletion ends although writes conflict and the cloud throttles half of the removals', async () => {
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

describe('the governor table down between a create and its first poll', () => {
  it(
    'a machine accepted just before the table `governor` goes down runs within a minute after the table is back',
    PATIENT,
    async () => {
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
    },
  );
});

describe('throttling tables', () => {
  it(
    'a fleet runs, and no queue message fails, after the tables throttled a third of all requests for five minutes',
    PATIENT,
    async () => {
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
      expect(counts.throttles).toBeGreaterThan(50);
      expect(counts.failedReceives).toBe(0);
    },
  );
});
