import { expect, it, vi } from 'vitest';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario } from './scenario/run.ts';

const SIZE = 60;
/** Allows one slot at a location, so only one of the sixty instances is created at a time. */
const ONE_SLOT = calmScenario({}, { slots: { locations: 2, instancesPerLocation: 1 } });

it('most polls of a large site list only instances that hold slots, and a full poll follows within ten seconds', {
  timeout: 120_000,
}, async () => {
  const fullAtMs: number[] = [];
  let gapsMs: number[] = [];
  let someIds = 0;
  const { violations, outcomes } = await runScenario(ONE_SLOT, false, async (stage) => {
    const { engine } = stage.lab.clouds;
    const handle = engine.handle.bind(engine);
    vi.spyOn(engine, 'handle').mockImplementation((caller, operation) => {
      if (operation.call === 'list' && operation.ids) someIds += 1;
      else if (operation.call === 'list') fullAtMs.push(stage.lab.ground.now());
      if (operation.call === 'list' && operation.ids) expect(operation.ids).toHaveLength(1);
      return handle(caller, operation);
    });
    const { id } = await stage.create(fleetAt(['sim-aws'], SIZE, { locations: ['east-1'] }));
    await stage.until(id, ({ status }) => status === 'Running');
    gapsMs = fullAtMs.slice(1).map((atMs, index) => atMs - (fullAtMs[index] ?? 0));
  });
  expect(violations).toEqual([]);
  expect(outcomes).toEqual({ Running: 1 });
  expect(someIds).toBeGreaterThan(3 * SIZE);
  expect(gapsMs.length).toBeGreaterThan(SIZE);
  expect(Math.max(...gapsMs)).toBeLessThan(10_000);
});
