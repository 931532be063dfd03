import { describe, expect, it } from 'vitest';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario, type Story } from './scenario/run.ts';

const SIZE = 8;
/** Allows a long time: virtual hours take seconds of real time, and more on a busy machine. */
const PATIENT = { timeout: 60_000 };

async function expectRunningAfter(story: Story): Promise<void> {
  const result = await runScenario(calmScenario(), true, story);
  expect(result.violations).toEqual([]);
  expect(result.outcomes).toEqual({ Running: 1 });
}

describe('task tokens of workflow steps', PATIENT, () => {
  it('a fleet does not settle if the step that waits for its launches is answered before its machines run', async () => {
    await expectRunningAfter(async (stage) => {
      const fleet = await stage.create(fleetAt(['sim-aws'], SIZE, { failurePolicy: 'refine' }));
      await stage.until(fleet.id, ({ counts }) => counts.Creating === SIZE);
      const awaits = await stage.awaits(fleet.id);
      expect(awaits).toHaveLength(1);
      for (const { taskToken } of awaits) stage.lab.workflow.engine.sendTaskSuccess(taskToken, {});
      const settled = await stage.until(
        fleet.id,
        ({ status }) => !['Preparing', 'Creating'].includes(status),
      );
      expect(settled).toMatchObject({ status: 'Running', counts: { Running: SIZE } });
    });
  });

  it("late messages with another execution's task tokens change nothing for the steps that wait", async () => {
    await expectRunningAfter(async (stage) => {
      const { ground, queue } = stage.lab;
      const fleet = await stage.create(fleetAt(['sim-aws'], SIZE));
      await stage.until(fleet.id, ({ counts }) => counts.Creating === SIZE);
      const [record] = await stage.records(fleet);
      if (!record) throw new Error('the fleet has no record');
      const { fleetId, round, connectionKey, location } = record;
      const about = { fleetId, connectionKey, taskToken: 'old' };
      const range = { location, index: 0, last: SIZE - 1, round };
      queue.send(JSON.stringify({ kind: 'launch', ...about, ...range }), 0);
      queue.send(JSON.stringify({ kind: 'launch', ...about, ...range, awaits: 1 }), 0);
      queue.send(JSON.stringify({ kind: 'await-launches', ...about, execution: 1 }), 0);
      await stage.until(fleet.id, ({ status }) => status === 'Running');
      const answers = ground.trace.lines.filter((line) => line.includes('"outcome":"Settled"'));
      expect(answers.length).toBeGreaterThanOrEqual(1);
      expect(stage.lab.clouds.machines()).toHaveLength(SIZE);
    });
  });
});
