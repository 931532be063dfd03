import { expect, it } from 'vitest';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario } from './scenario/run.ts';

const SIZE = 3;
/** Times in ms after the end of the launches. They cover the time in which the fleet settles. */
const MOMENTS_MS = Array.from({ length: 12 }, (_, at) => at * 8);

it('a fleet that is deleted at any moment of its settling ends as Terminated', {
  timeout: 60_000,
}, async () => {
  const ends: Record<string, number> = {};
  for (const momentMs of MOMENTS_MS) {
    const result = await runScenario(calmScenario({ seed: 1 + momentMs }), false, async (stage) => {
      const { ground, tables } = stage.lab;
      const fleet = await stage.create(fleetAt(['sim-aws'], SIZE));
      const running = () =>
        tables.fleets.all().filter(({ pk, status, launchToken }) => {
          return (
            String(pk).startsWith(`INST#${fleet.id}#`) && status === 'Running' && launchToken !== undefined
          );
        }).length;
      while (running() < SIZE) await ground.sleep(1);
      await ground.sleep(momentMs);
      await stage.remove(fleet.id);
      await ground.sleep(5 * 60_000);
      const { status } = await stage.read(fleet.id);
      ends[status] = (ends[status] ?? 0) + 1;
    });
    expect(result.violations).toEqual([]);
  }
  expect(ends).toEqual({ Terminated: MOMENTS_MS.length });
});
