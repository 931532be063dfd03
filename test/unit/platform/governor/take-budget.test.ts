import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { limitOverrideSchema } from '../../../../functions/model/limit-profile.ts';
import { limitProfileOf } from '../../../../functions/model/limits-in-force.ts';
import type { Demand } from '../../../../functions/platform/governor/budget-state.ts';
import { permitCreates } from '../../../../functions/platform/governor/permit-creates.ts';
import {
  recordUsage,
  returnBudget,
  takeBudget,
} from '../../../../functions/platform/governor/take-budget.ts';
import { budgetKey } from '../../../../functions/platform/store/keys.ts';
import { ClientLoans } from '../../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../../chaos/models/dynamo/dynamo.ts';
import { Table } from '../../../chaos/models/dynamo/table.ts';
import { want } from './wanted.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const loans = new ClientLoans();
afterEach(() => loans.takeBack());

/** Creates a store over a governor table in memory. @param turn awaited before each command */
function world(turn: () => Promise<void> = () => Promise.resolve()) {
  const clock = { now: () => NOON, sleep: turn };
  const table = new Table('governor');
  const settings = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 100, unprocessed: () => 0 };
  const dynamo = new Dynamo([table], { now: clock.now, ...settings });
  const calls: string[] = [];
  const document = loans.lend(async (command, input) => {
    await turn();
    calls.push(command);
    return dynamo.perform(command, input);
  });
  return { store: { document, tables: { governor: 'governor' }, clock, random: () => 0.5 }, calls };
}

const connection = (override: unknown, name = 'sim-aws') => ({
  connectionKey: `sim/default/${name}`,
  limits: limitProfileOf({ driver: 'sim', cloud: 'aws' }, limitOverrideSchema.parse(override)),
});
const some = (...ids: string[]): Demand[] =>
  ids.map((instanceId) => ({ instanceId, vcpus: 2, gpus: 0, memoryGb: 7.5 }));

describe('a connection', () => {
  it('a launch is queued and does not fail if the connection’s budget already has 5,000 reservations', async () => {
    const { store } = world();
    const large = connection({ totals: { instances: 100_000 } });
    const ID = 'f0123456789abcdef-00000';
    const many = Array.from({ length: 5_000 }, (_, at) => `i${at}`);
    await takeBudget(store, large, 'east', some(...many));
    const west = { ...large, location: 'west' };
    const { decisions } = await permitCreates(store, west, [want(ID)]);
    expect(decisions.get(ID)).toEqual({ action: 'queue', why: 'budget' });
  });

  it('takeBudget, recordUsage and returnBudget make no table call for a connection without budgets', async () => {
    const { store, calls } = world();
    const free = connection({ concurrentLocations: 3 });
    expect(await takeBudget(store, free, 'east', some('a', 'b'))).toEqual({ taken: ['a', 'b'] });
    await recordUsage(store, free, 'east', some('a'), NOON);
    await returnBudget(store, free, ['b']);
    expect(calls).toEqual([]);
  });

  it('each connection has its own budget, and takeBudget makes one read and one write', async () => {
    const { store, calls } = world();
    const limits = { totals: { memoryGb: 15 } };
    expect(await takeBudget(store, connection(limits), 'east', some('a', 'b', 'c'))).toEqual({
      taken: ['a', 'b'],
      refused: { reason: 'memoryGb' },
    });
    expect(calls).toEqual(['GetCommand', 'PutCommand']);
    expect((await takeBudget(store, connection(limits, 'other'), 'east', some('c'))).taken).toEqual(['c']);
  });

  it('takeBudget, recordUsage and returnBudget write nothing if no budget is left or the budget does not change', async () => {
    const { store, calls } = world();
    const one = connection({ totals: { instances: 1 } });
    await takeBudget(store, one, 'east', some('a'));
    calls.length = 0;
    await takeBudget(store, one, 'west', some('b'));
    await recordUsage(store, one, 'east', some('a'), NOON);
    await returnBudget(store, one, ['b']);
    await takeBudget(store, one, 'west', []);
    expect(calls).toEqual(['GetCommand', 'GetCommand', 'GetCommand']);
  });

  it('budget is free again when a launch gives the budget back, or when a poll no longer shows the instance', async () => {
    const { store } = world();
    const one = connection({ totals: { instances: 2 } });
    await takeBudget(store, one, 'east', some('a'));
    await recordUsage(store, one, 'west', some('x'), NOON);
    expect((await takeBudget(store, one, 'east', some('b'))).taken).toEqual([]);
    await returnBudget(store, one, ['a']);
    await recordUsage(store, one, 'west', [], NOON + 1);
    expect((await takeBudget(store, one, 'east', some('b', 'c', 'd'))).taken).toEqual(['b', 'c']);
  });

  it('a connection’s budgets are in the item BUDGET of its partition', () => {
    expect(budgetKey('sim/default/sim-aws')).toEqual({ pk: 'CONN#sim/default/sim-aws', sk: 'BUDGET' });
  });
});

it('concurrent workers together get exactly the connection’s budget', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.record({ from: fc.nat(5), count: fc.integer({ min: 1, max: 4 }) }), {
        minLength: 2,
        maxLength: 5,
      }),
      async (scheduler, instances, asks) => {
        const { store } = world(() => scheduler.schedule(Promise.resolve()));
        const one = connection({ createsPerMinute: instances, totals: { instances } });
        // Two workers may ask for the same instance, because a message may be delivered twice.
        const ids = asks.map(({ from, count }) => Array.from({ length: count }, (_, at) => `i${from + at}`));
        const answers = Promise.all(ids.map((wanted) => takeBudget(store, one, 'east', some(...wanted))));
        await scheduler.waitFor(answers);
        const taken = new Set((await answers).flatMap((answer) => answer.taken));
        expect(taken.size).toBe(Math.min(instances, new Set(ids.flat()).size));
      },
    ),
    { numRuns: 200 },
  );
});
