import { describe, expect, it } from 'vitest';
import { Problem } from '../../functions/entrypoints/api/problem.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario, type Story } from './scenario/run.ts';

const SIZE = 8;
/** Allows a long time: virtual hours take seconds of real time, and more on a busy machine. */
const PATIENT = { timeout: 60_000 };
const BOTH = ['sim-aws', 'sim-gcp'];

/** Plays the story. Expects no violation, and these numbers of fleets in each status. */
async function expectAfter(story: Story, outcomes: Record<string, number>): Promise<void> {
  const result = await runScenario(calmScenario(), false, story);
  expect(result.violations).toEqual([]);
  expect(result.outcomes).toEqual(outcomes);
}

const isUp = ({ status }: Fleet) => status === 'Running';
const isGone = ({ status }: Fleet) => status === 'Terminated' || status === 'RolledBack';
const isCreating = ({ counts }: Fleet) => (counts.Creating ?? 0) > 2;

async function refusalOf(work: Promise<unknown>): Promise<{ code: string } & Record<string, unknown>> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Problem) return { code: error.code, ...error.extra };
    throw error;
  }
  throw new Error('the API did not refuse the request');
}

describe('creating fleets with one name at the same time', PATIENT, () => {
  it('if three fleets are created with one name at the same time, only one is accepted and makes machines', async () => {
    await expectAfter(
      async (stage) => {
        const asked = [4, SIZE, 6].map((size) => stage.create(fleetAt(BOTH, size)));
        const answers = await Promise.allSettled(asked);
        const won = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
        expect(won).toHaveLength(1);
        const codes = await Promise.all(
          asked.filter((_, at) => answers[at]?.status === 'rejected').map(refusalOf),
        );
        expect(codes.map(({ code }) => code)).toEqual(['name-taken', 'name-taken']);
        const fleet = won[0];
        if (!fleet) throw new Error('the API accepted no fleet');
        const { counts } = await stage.until(fleet.id, isUp);
        expect(stage.standing()).toHaveLength(counts.requested);
      },
      { Running: 1 },
    );
  });
});

describe('delete', PATIENT, () => {
  it('a fleet deleted while it is created leaves no machine, and its name can be used again', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(BOTH, SIZE));
        await stage.until(id, isCreating);
        await stage.remove(id);
        await stage.until(id, isGone);
        expect(stage.lab.clouds.machines().length).toBeGreaterThan(2);
        expect(stage.standing()).toEqual([]);
        const again = await stage.create(fleetAt(BOTH, 2));
        await stage.until(again.id, isUp);
      },
      { Terminated: 1, Running: 1 },
    );
  });

  it('a fleet deleted before its first launch makes no machine', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(BOTH, SIZE));
        await stage.remove(id);
        await stage.until(id, isGone);
        expect(stage.lab.clouds.machines()).toEqual([]);
      },
      { Terminated: 1 },
    );
  });

  it('repeated deletes of a fleet start only one removal', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(BOTH, SIZE));
        await stage.until(id, isUp);
        const answers = await Promise.all([stage.remove(id), stage.remove(id)]);
        expect(answers.map(({ status }) => status)).toEqual(['Terminating', 'Terminating']);
        await stage.until(id, ({ counts }) => (counts.Terminated ?? 0) > 2);
        expect((await stage.remove(id)).status).toBe('Terminating');
        await stage.until(id, isGone);
        expect((await stage.remove(id)).status).toBe('Terminated');
        expect((await stage.item(id)).execution).toBe(2);
      },
      { Terminated: 1 },
    );
  });
});

describe('abort', PATIENT, () => {
  it('an abort during a rollback is refused, and the rollback ends', async () => {
    await expectAfter(
      async (stage) => {
        stage.addFault({ kind: 'capacity', cloud: 'gcp' });
        const { id } = await stage.create(fleetAt(BOTH, SIZE, { failurePolicy: 'rollback' }));
        await stage.until(id, ({ status }) => status === 'RollingBack');
        const refusal = await refusalOf(stage.act(id, 'abort'));
        expect(refusal).toEqual({ code: 'illegal-action', fleetStatus: 'RollingBack', allowed: [] });
        const { failures } = await stage.until(id, isGone);
        expect(failures.map(({ code }) => code)).toContain('InsufficientCapacity');
        expect(stage.standing()).toEqual([]);
      },
      { RolledBack: 1 },
    );
  });

  it('two aborts of a launching fleet start only one rollback', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(BOTH, SIZE, { failurePolicy: 'rollback' }));
        await stage.until(id, isCreating);
        await Promise.all([stage.act(id, 'abort'), stage.act(id, 'abort')]);
        await stage.until(id, isGone);
        expect((await stage.item(id)).execution).toBe(2);
      },
      { RolledBack: 1 },
    );
  });
});

describe('retry', PATIENT, () => {
  it('a retry is refused while the fleet launches and while all its instances run', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(BOTH, SIZE));
        await stage.until(id, isCreating);
        const launching = await refusalOf(stage.act(id, 'retry'));
        expect(launching).toEqual({
          code: 'illegal-action',
          fleetStatus: 'Creating',
          allowed: ['hold', 'abort'],
        });
        await stage.until(id, isUp);
        const running = await refusalOf(stage.act(id, 'retry'));
        expect(running).toEqual({ code: 'illegal-action', fleetStatus: 'Running', allowed: [] });
        expect(stage.lab.clouds.machines()).toHaveLength(2 * SIZE);
      },
      { Running: 1 },
    );
  });

  it('repeated retries of a fleet that lacks one instance launch only one machine', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(BOTH, SIZE));
        await stage.until(id, isUp);
        stage.addFault({ kind: 'vanish', call: 'list', count: 1 });
        await stage.until(id, ({ counts }) => counts.Running === 2 * SIZE - 1);
        await Promise.all([stage.act(id, 'retry'), stage.act(id, 'retry')]);
        expect((await stage.act(id, 'retry')).status).not.toBe('Running');
        await stage.until(id, ({ status, counts }) => status === 'Running' && counts.Running === 2 * SIZE);
        expect(stage.lab.clouds.machines()).toHaveLength(2 * SIZE + 1);
        expect(await stage.item(id)).toMatchObject({ round: 2, execution: 2 });
      },
      { Running: 1 },
    );
  });
});
