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
  it('a fleet does not settle if its task tokens are answered before its machines run', async () => {
    await expectRunningAfter(async (stage) => {
      const fleet = await stage.create(fleetAt(['sim-aws'], SIZE, { failurePolicy: 'refine' }));
      const answered = new Set<string>();
      while (answered.size < SIZE) {
        for (const { taskToken = '', status } of await stage.records(fleet)) {
          if (status !== 'Creating' || answered.has(taskToken)) continue;
          answered.add(taskToken);
          stage.lab.workflow.engine.sendTaskSuccess(taskToken, { outcome: 'Running' });
        }
        await stage.lab.ground.sleep(100);
      }
      expect((await stage.read(fleet.id)).counts.Creating).toBeGreaterThan(0);
      const settled = await stage.until(
        fleet.id,
        ({ status }) => !['Preparing', 'Creating'].includes(status),
      );
      expect(settled).toMatchObject({ status: 'Running', counts: { Running: SIZE } });
    });
  });

  it("a late message with another execution's task token does not replace the tokens of waiting steps", async () => {
    await expectRunningAfter(async (stage) => {
      const { ground, queue } = stage.lab;
      const fleet = await stage.create(fleetAt(['sim-aws'], SIZE));
      await stage.until(fleet.id, ({ counts }) => counts.Creating === SIZE);
      for (const { fleetId, index, round, connectionKey, location } of await stage.records(fleet)) {
        const late = {
          kind: 'launch',
          fleetId,
          index,
          round,
          connectionKey,
          location,
          taskToken: `old-${index}`,
        };
        queue.send(JSON.stringify(late), 0);
      }
      await stage.until(fleet.id, ({ status }) => status === 'Running');
      const tracedWith = (outcome: string) =>
        ground.trace.lines.filter((line) => line.includes(`:"${outcome}"}`));
      expect(tracedWith('Running').length).toBeGreaterThanOrEqual(SIZE);
      expect(tracedWith('Cancelled')).toEqual([]);
    });
  });
});
