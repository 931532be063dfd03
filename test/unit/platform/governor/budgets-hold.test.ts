import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Demand } from '../../../../functions/platform/governor/budget-state.ts';
import { takeFrom } from '../../../../functions/platform/governor/budgets.ts';
import { BudgetWorld, type Limits, steps } from './budget-world.ts';

const MINUTE = 60_000;

const rates: fc.Arbitrary<Limits> = fc.record({
  createsPerMinute: fc.integer({ min: 1, max: 6 }),
  createsPerDay: fc.integer({ min: 1, max: 40 }),
});
const totals: fc.Arbitrary<Limits> = fc.record({
  totals: fc.record(
    {
      instances: fc.integer({ min: 1, max: 5 }),
      vcpus: fc.integer({ min: 4, max: 12 }),
      gpus: fc.integer({ min: 1, max: 4 }),
      memoryGb: fc.double({ min: 3, max: 9, noNaN: true }),
    },
    { requiredKeys: [] },
  ),
});
const both = fc.tuple(rates, totals).map(([some, others]) => ({ ...some, ...others }));

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

function expectWithin(present: readonly Demand[], allowed: NonNullable<Limits['totals']>): void {
  const { instances = Infinity, vcpus = Infinity, gpus = Infinity, memoryGb = Infinity } = allowed;
  expect(present.length).toBeLessThanOrEqual(instances);
  expect(sum(present.map((one) => one.vcpus))).toBeLessThanOrEqual(vcpus);
  expect(sum(present.map((one) => one.gpus))).toBeLessThanOrEqual(gpus);
  expect(sum(present.map((one) => one.memoryGb))).toBeLessThanOrEqual(memoryGb + 1e-5);
}

it('a connection never exceeds its totals, regardless of the order of launches and polls', () => {
  fc.assert(
    fc.property(fc.oneof(totals, both), steps, (allowed, todo) => {
      const world = new BudgetWorld(allowed);
      for (const step of todo) {
        world.step(step);
        expectWithin(world.present(), allowed.totals ?? {});
      }
    }),
    { numRuns: 1_000 },
  );
});

it('a connection never exceeds its create limit of any minute or any day', () => {
  fc.assert(
    fc.property(fc.oneof(rates, both), steps, (allowed, todo) => {
      const { createsPerMinute = Infinity, createsPerDay = Infinity } = allowed;
      const world = new BudgetWorld(allowed);
      for (const step of todo) world.step(step);
      const { creates } = world;
      for (const from of creates) {
        const within = creates.filter((at) => at >= from && at < from + MINUTE);
        expect(within.length).toBeLessThanOrEqual(createsPerMinute);
        const thatDay = creates.filter((at) => dayOf(at) === dayOf(from));
        expect(thatDay.length).toBeLessThanOrEqual(createsPerDay);
      }
    }),
    { numRuns: 500 },
  );
});

it('launches can use the whole totals of a connection again after all its instances are gone', () => {
  fc.assert(
    fc.property(totals, steps, (allowed, todo) => {
      const world = new BudgetWorld(allowed);
      for (const step of todo) world.step(step);
      for (const one of world.launches) one.status = 'gone';
      for (let minutes = 0; minutes < 4; minutes += 1) world.pass(MINUTE);
      const { instances = 5, vcpus = 10, gpus = 5, memoryGb = 10 } = allowed.totals ?? {};
      const wanted = Array.from({ length: instances }, (_, at) => ({
        instanceId: `new${at}`,
        vcpus: vcpus / instances,
        gpus: gpus / instances,
        memoryGb: memoryGb / instances,
      }));
      const { answer } = takeFrom(world.state, allowed, 'east', wanted, world.nowMs);
      expect(answer).toEqual({ taken: wanted.map(({ instanceId }) => instanceId) });
    }),
    { numRuns: 500 },
  );
});
