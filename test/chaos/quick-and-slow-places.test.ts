import { describe, expect, it, vi } from 'vitest';
import type { SimEngine } from '../../local/sim/engine/engine.ts';
import { fleetAt } from './scenario/calm.ts';
import { AWS, EAST, expectAfter, isUp, limited, nowOf, PATIENT, SECOND } from './scenario/limited.ts';

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

  it('has it recorded from that answer, and the slot is free at once', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, SIZE, EAST));
        const fleet = await stage.until(id, isUp);
        const machines = new Map(stage.lab.clouds.machines().map((one) => [one.backendId, one]));
        for (const { backendId = '', runningAt = '', publicIp } of await stage.records(fleet)) {
          const { acceptedAtMs = 0, submitMs = 0, bootMs = 0 } = machines.get(backendId) ?? {};
          // The answer's way back, and that of the write.
          expect(Date.parse(runningAt) - (acceptedAtMs + submitMs + bootMs)).toBeLessThan(0.1 * SECOND);
          expect(publicIp).toBe(machines.get(backendId)?.publicIp);
        }
        const creates = stage.creates();
        const gaps = creates.slice(1).map((atMs, at) => atMs - (creates[at] ?? 0));
        // One slot: each begins when the one before runs.
        expect(Math.max(...gaps)).toBeLessThan(3.1 * SECOND + 0.7 * SECOND);
      },
      { Running: 1 },
      world,
    );
  });
});

describe(
  'creates of one machine that the cloud refuses each time in words that no table knows',
  PATIENT,
  () => {
    const WORDS = 'Internal Server Error';

    /** @returns when they were refused */
    function refuse(engine: SimEngine, position: string, words: (time: number) => string): number[] {
      const refusedMs: number[] = [];
      const handle = engine.handle.bind(engine);
      vi.spyOn(engine, 'handle').mockImplementation((caller, operation) => {
        const isIt =
          operation.call === 'create' && operation.input.launchToken?.split('.')[0]?.endsWith(position);
        if (!isIt) return handle(caller, operation);
        const atMs = engine.world.clock.now();
        refusedMs.push(atMs);
        const message = words(refusedMs.length);
        return { kind: 'answer', atMs, status: 500, body: { code: 'InternalError', message } };
      });
      return refusedMs;
    }

    it.each([
      ['the same words', () => WORDS],
      ['with another request id each time', (time: number) => `${WORDS} (request 8f0a77d${time}-11aa-42)`],
    ])('end it after a minute with these words: %s', async (_what, words) => {
      await expectAfter(
        async (stage) => {
          const refusedMs = refuse(stage.lab.clouds.engine, '00007', words);
          const fleet = fleetAt(AWS, 20, { ...EAST, failurePolicy: 'rollback' });
          const { id } = await stage.create(fleet);
          const { failures } = await stage.until(id, ({ status }) => status === 'RolledBack');
          expect(failures).toHaveLength(1);
          expect(failures[0]).toMatchObject({ code: 'CloudFailed', count: 1 });
          expect(failures[0]?.example).toContain(WORDS);
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

    it('do not end it where the words differ, nor where there is no answer', async () => {
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

    it('do not end it when the look-up finds what they made', async () => {
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
  },
);
