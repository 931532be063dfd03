import { describe, expect, it } from 'vitest';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario, type Story } from './scenario/run.ts';

const SIZE = 8;
/** Hours go by in seconds, but on a busy machine those are long. */
const PATIENT = { timeout: 60_000 };

async function expectRunningAfter(story: Story): Promise<void> {
  const result = await runScenario(calmScenario(), true, story);
  expect(result.violations).toEqual([]);
  expect(result.outcomes).toEqual({ Running: 1 });
}

describe('steps of a workflow', PATIENT, () => {
  it('that are answered before their machines run have no fleet settled', async () => {
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

  it('wait with the token that they have, whatever a late message of another execution brings', async () => {
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
      const told = (outcome: string) => ground.trace.lines.filter((line) => line.includes(`:"${outcome}"}`));
      expect(told('Running').length).toBeGreaterThanOrEqual(SIZE);
      expect(told('Cancelled')).toEqual([]);
    });
  });
});
