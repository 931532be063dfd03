import { describe, expect, it, vi } from 'vitest';
import { measureRun } from '../../bench/ideal/from-books.ts';
import { readBooks } from '../../local/sim/engine/books.ts';
import type { SimEngine } from '../../local/sim/engine/engine.ts';
import { createInputOf } from '../../local/sim/engine/requests.ts';
import { deployedStage } from '../samples/deployed-stage.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { AWS, EAST, expectAfter, isUp, limited, nowOf, PATIENT, SECOND } from './scenario/limited.ts';
import type { Stage } from './scenario/stage.ts';

describe('a cloud that answers a create only when the machine runs', PATIENT, () => {
  const SIZE = 4;
  const world = limited(
    {},
    {
      answersWhenRunning: true,
      slots: { locations: 2, instancesPerLocation: 1 },
      submitMs: [100, 100],
      bootSeconds: [3, 3],
    },
  );

  it('the worker records a machine as running from the create answer, and frees its slot immediately', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE, EAST));
        const fleet = await stage.until(id, isUp);
        const machines = new Map(stage.lab.clouds.machines().map((one) => [one.backendId, one]));
        for (const { backendId = '', runningAt = '', publicIp } of await stage.records(fleet)) {
          const { acceptedAtMs = 0, submitMs = 0, bootMs = 0 } = machines.get(backendId) ?? {};
          // Allow some time until the answer arrives and the worker writes the record.
          expect(Date.parse(runningAt) - (acceptedAtMs + submitMs + bootMs)).toBeLessThan(0.1 * SECOND);
          expect(publicIp).toBe(machines.get(backendId)?.publicIp);
        }
        const creates = stage.creates();
        const gaps = creates.slice(1).map((atMs, at) => atMs - (creates[at] ?? 0));
        // With one slot, each create begins when the previous machine runs.
        expect(Math.max(...gaps)).toBeLessThan(3.1 * SECOND + 0.7 * SECOND);
      },
      { Running: 1 },
      world,
    );
  });
});

describe('a create that the cloud refuses each time with an unknown error', PATIENT, () => {
  const MESSAGE = 'Internal Server Error';

  /**
   * Makes the cloud refuse the creates of one instance.
   *
   * @returns the times of these refusals, in ms; the list grows with each refusal
   */
  function refuse(engine: SimEngine, position: string, messageOf: (time: number) => string): number[] {
    const refusedMs: number[] = [];
    const handle = engine.handle.bind(engine);
    vi.spyOn(engine, 'handle').mockImplementation((caller, operation) => {
      const isIt = createInputOf(operation)?.launchToken?.split('.')[0]?.endsWith(position);
      if (!isIt) return handle(caller, operation);
      const atMs = engine.world.clock.now();
      refusedMs.push(atMs);
      const message = messageOf(refusedMs.length);
      return { kind: 'answer', atMs, status: 500, body: { code: 'InternalError', message } };
    });
    return refusedMs;
  }

  it.each([
    ['always the same', () => MESSAGE],
    ['the same except for the request id', (time: number) => `${MESSAGE} (request 8f0a77d${time}-11aa-42)`],
  ])('an instance fails after a minute of refusals whose message is %s', async (_what, messageOf) => {
    await expectAfter(
      async (stage) => {
        const refusedMs = refuse(stage.lab.clouds.engine, '00007', messageOf);
        const fleet = fleetAt(AWS, 20, { ...EAST, failurePolicy: 'rollback' });
        const { id } = await stage.create(fleet);
        const { failures } = await stage.until(id, ({ status }) => status === 'RolledBack');
        expect(failures).toHaveLength(1);
        expect(failures[0]).toMatchObject({ code: 'CloudFailed', count: 1 });
        expect(failures[0]?.example).toContain(MESSAGE);
        const [first = 0, last = 0] = [refusedMs[0], refusedMs.at(-1)];
        expect(refusedMs.length).toBeLessThan(8);
        expect(last - first).toBeLessThan(75 * SECOND);
        expect(nowOf(stage) - first).toBeGreaterThan(60 * SECOND);
        expect(nowOf(stage) - first).toBeLessThan(120 * SECOND);
        expect(stage.standing()).toEqual([]);
      },
      { RolledBack: 1 },
    );
  });

  it('an instance stays in Creating while each refusal has a different message, or while its creates get no answer', async () => {
    await expectAfter(
      async (stage) => {
        const { engine } = stage.lab.clouds;
        const names = ['alpha', 'beta', 'gamma', 'delta'];
        const refusedMs = refuse(engine, '00001', (time) => `failed at host ${names[time % 4]}`);
        const lost = stage.addFault({ kind: 'loseReplyBeforeEffect', call: 'create' });
        const { id } = await stage.create(fleetAt(AWS, 2, EAST));
        await stage.pass(3);
        expect((await stage.read(id)).counts.Creating).toBe(2);
        expect(refusedMs.length).toBeGreaterThan(10);
        lost();
        vi.restoreAllMocks();
        await stage.until(id, isUp);
        expect(stage.lab.clouds.machines()).toHaveLength(2);
      },
      { Running: 1 },
    );
  });

  it('an instance runs if the look-up finds a machine that its refused create made', async () => {
    await expectAfter(
      async (stage) => {
        stage.lab.ground.disturbance = { ...stage.lab.ground.disturbance, deniedCreate: 1 };
        const { id } = await stage.create(fleetAt(AWS, 6, EAST));
        await stage.until(id, isUp);
        expect(stage.lab.clouds.machines()).toHaveLength(6);
      },
      { Running: 1 },
    );
  });
});

describe('all workers dying with create calls in flight', PATIENT, () => {
  /** Concurrency and time limit of the workers in stage `local`. */
  const { driverConcurrency, driverTimeoutMs } = deployedStage('local');
  const SIZE = 60;
  const world = calmScenario(
    { driverConcurrency, driverTimeoutMs },
    {
      slots: { locations: 30, instancesPerLocation: 20 },
      rates: {
        create: { perSecond: 5, burst: 20 },
        list: { perSecond: 10, burst: 10 },
        mutate: { perSecond: 10, burst: 40 },
      },
      bootSeconds: [6, 14],
    },
  );

  /**
   * Delays the replies of creates. With `isLost`, the creates have no effect.
   *
   * @returns the number of creates so far, and a function that ends the fault
   */
  function delay(stage: Stage, isLost: boolean): { count: () => number; end: () => void } {
    const { engine } = stage.lab.clouds;
    const slow = stage.addFault({ kind: 'delay', call: 'create', delayMs: 8 * SECOND });
    const handle = engine.handle.bind(engine);
    let count = 0;
    const spy = vi.spyOn(engine, 'handle').mockImplementation((caller, operation) => {
      if (operation.call === 'create') count += 1;
      return isLost && operation.call === 'create' ? { kind: 'silent' } : handle(caller, operation);
    });
    const end = () => {
      spy.mockRestore();
      if (isLost) slow();
    };
    return { count: () => count, end };
  }

  it.each([
    ['have no effect', true],
    ['take effect', false],
  ])('all instances run within 75 s after all workers died during creates that %s', async (_what, isLost) => {
    await expectAfter(
      async (stage) => {
        const calls = delay(stage, isLost);
        const { id } = await stage.create(fleetAt(['sim-aws', 'sim-gcp'], SIZE / 2));
        await stage.until(id, () => calls.count() === SIZE);
        stage.lab.killWorkers('all at once');
        calls.end();
        const diedMs = nowOf(stage);
        await stage.until(id, isUp);
        expect(nowOf(stage) - diedMs).toBeLessThan(75 * SECOND);
        expect(stage.lab.clouds.machines()).toHaveLength(SIZE);
      },
      { Running: 1 },
      world,
    );
  });
});

describe('a machine that a poll sees before the answer to its create call', PATIENT, () => {
  const world = limited(
    {},
    { answersWhenRunning: true, honoursTokens: false, submitMs: [100, 100], bootSeconds: [30, 30] },
  );

  it('a vanished instance is not created again if a poll bound its machine before the create was answered', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 1, EAST));
        await stage.until(id, () => stage.standing().length > 0);
        const [calledMs = 0] = stage.creates();
        // The driver's call has timed out at this moment, and no look-up has begun.
        await stage.lab.ground.sleep(calledMs + 16.5 * SECOND - nowOf(stage));
        stage.addFault({ kind: 'vanish', call: 'list', count: 1 });
        const { failures } = await stage.until(id, ({ status }) => status === 'Failed');
        expect(failures.map(({ code }) => code)).toEqual(['Vanished']);
        expect(stage.lab.clouds.machines()).toHaveLength(1);
      },
      { Failed: 1 },
      world,
    );
  });
});

describe('machines of one location that boot in under a second', PATIENT, () => {
  const SIZE = 150;
  const SLOTS = { locations: 30, instancesPerLocation: 20 };
  const LIST = { perSecond: 10, burst: 10 };

  /**
   * Runs a fleet of quick machines.
   *
   * @returns the makespan divided by the ideal makespan, from the simulated clouds' record of their calls;
   *   the times of the list calls and of the last create, in seconds
   */
  async function lead(create: { perSecond: number; burst: number }) {
    const rates = { create, list: LIST, mutate: create };
    const result = { ratio: Number.NaN, pollsS: [] as number[], lastCreateS: 0 };
    await expectAfter(
      async (stage) => {
        const { engine, asked } = stage.lab.clouds;
        const { id, createdAt } = await stage.create(fleetAt(AWS, SIZE, EAST));
        await stage.until(id, isUp);
        const ofClouds = {
          locationSlots: SLOTS.locations,
          instanceSlotsPerLocation: SLOTS.instancesPerLocation,
          createsPerSecond: create.perSecond,
          createBurst: create.burst,
        };
        const books = readBooks(engine.world);
        const run = measureRun({ books, limits: { aws: ofClouds, gcp: ofClouds }, startedAt: createdAt });
        const since = (atMs: number) => (atMs - Date.parse(createdAt)) / SECOND;
        result.ratio = run.ratio ?? Number.NaN;
        result.pollsS = asked.filter(({ call }) => call === 'list').map(({ atMs }) => since(atMs));
        result.lastCreateS = Math.max(...stage.creates().map(since));
      },
      { Running: 1 },
      {
        ...limited({}, { slots: SLOTS, rates, submitMs: [200, 600], bootSeconds: [0.4, 0.9] }),
        driverConcurrency: 20,
      },
    );
    return result;
  }

  it.each([
    ['5 creates a second', { perSecond: 5, burst: 20 }, 1.15, 0.6],
    ['50 creates a second', { perSecond: 50, burst: 50 }, 1.5, 0.35],
  ])(
    'at %s, 150 machines that boot in under a second need little more than the ideal time, and few list calls',
    async (_what, rate, most, listsEach) => {
      const { ratio, pollsS, lastCreateS } = await lead(rate);
      const waited = pollsS.filter((atS) => atS < lastCreateS);
      const gaps = waited.slice(1).map((atS, at) => atS - (waited[at] ?? 0));
      expect(ratio).toBeLessThan(most);
      expect(Math.max(...gaps)).toBeLessThan(1.5);
      expect(pollsS.length / SIZE).toBeLessThan(listsEach);
    },
  );
});
