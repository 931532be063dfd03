import { afterEach, describe, expect, it } from 'vitest';
import { instanceId } from '../../../functions/model/identifiers.ts';
import { readHolders } from '../../../functions/platform/governor/hold-location.ts';
import { permitCreates } from '../../../functions/platform/governor/permit-creates.ts';
import { budgetKey } from '../../../functions/platform/store/keys.ts';
import { ClientLoans } from '../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../chaos/models/dynamo/dynamo.ts';
import { Table } from '../../chaos/models/dynamo/table.ts';
import { limits, NOON, want } from './wanted.ts';

const loans = new ClientLoans();
afterEach(() => loans.takeBack());

const ID = instanceId({ fleetId: 'f1kdvdnc4jyfcbym5', index: 0 });
const place = {
  connectionKey: 'default/sim-aws',
  location: 'east-1',
  limits: limits({ totals: { instances: 1 } }),
};

/** A governor's table. @param meet is waited for before each command of the store */
function world(meet: (input: unknown) => Promise<void> = () => Promise.resolve()) {
  const clock = { now: () => NOON, sleep: () => Promise.resolve() };
  const settings = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 100, unprocessed: () => 0 };
  const dynamo = new Dynamo([new Table('governor')], { now: clock.now, ...settings });
  const storeThat = (before: (input: unknown) => Promise<void>) => ({
    document: loans.lend(async (command, input) => {
      await before(input);
      return dynamo.perform(command, input);
    }),
    tables: { governor: 'governor' },
    clock,
    random: () => 0.5,
  });
  return { store: storeThat(meet), other: storeThat(() => Promise.resolve()) };
}

const isBudget = (input: unknown) => JSON.stringify(input).includes(budgetKey(place.connectionKey).pk);

describe('a launch that is given a slot, and for which no budget is left', () => {
  it('gives the slot back', async () => {
    const { store } = world();
    await permitCreates(store, place, [want(instanceId({ fleetId: 'f1kdvdnc4jyfcbym5', index: 1 }))]);
    const { verdicts } = await permitCreates(store, place, [want(ID)]);
    expect(verdicts.get(ID)).toMatchObject({ say: 'no', failure: { code: 'LimitReached' } });
    expect(Object.keys(await readHolders(store, place))).not.toContain(ID);
  });

  it('keeps it where another copy of the launch has begun its call under it meanwhile', async () => {
    const said: unknown[] = [];
    let copies = 0;
    const { store, other } = world(async (input) => {
      if (!isBudget(input) || copies > 0) return;
      copies += 1;
      const { verdicts } = await permitCreates(other, place, [want(ID)]);
      said.push(verdicts.get(ID)?.say);
    });
    await permitCreates(other, place, [want(instanceId({ fleetId: 'f1kdvdnc4jyfcbym5', index: 1 }))]);
    const { verdicts } = await permitCreates(store, place, [want(ID)], { turn: 1 });
    expect([verdicts.get(ID)?.say, said]).toEqual(['no', ['go']]);
    expect(Object.keys(await readHolders(store, place))).toContain(ID);
  });
});
