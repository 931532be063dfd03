import { afterEach, describe, expect, it } from 'vitest';
import { instanceId } from '../../../../functions/model/identifiers.ts';
import { readHolders } from '../../../../functions/platform/governor/hold-location.ts';
import { permitCreates } from '../../../../functions/platform/governor/permit-creates.ts';
import { budgetKey } from '../../../../functions/platform/store/keys.ts';
import { ClientLoans } from '../../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../../chaos/models/dynamo/dynamo.ts';
import { Table } from '../../../chaos/models/dynamo/table.ts';
import { limits, NOON, want } from './wanted.ts';

const loans = new ClientLoans();
afterEach(() => loans.takeBack());

const ID = instanceId({ fleetId: 'f1kdvdnc4jyfcbym5', index: 0 });
const site = {
  connectionKey: 'sim/default/sim-aws',
  location: 'east-1',
  limits: limits({ totals: { instances: 1 } }),
};

/** Creates two stores over one governor table. @param beforeCommand awaited before each command of `store` */
function world(beforeCommand: (input: unknown) => Promise<void> = () => Promise.resolve()) {
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
  return { store: storeThat(beforeCommand), other: storeThat(() => Promise.resolve()) };
}

const isBudget = (input: unknown) => JSON.stringify(input).includes(budgetKey(site.connectionKey).pk);

describe('a launch that gets a slot and no budget', () => {
  it('a launch that gets a slot and no budget gives the slot back', async () => {
    const { store } = world();
    await permitCreates(store, site, [want(instanceId({ fleetId: 'f1kdvdnc4jyfcbym5', index: 1 }))]);
    const { decisions } = await permitCreates(store, site, [want(ID)]);
    expect(decisions.get(ID)).toMatchObject({ action: 'deny', failure: { code: 'LimitReached' } });
    expect(Object.keys(await readHolders(store, site))).not.toContain(ID);
  });

  it('a launch without budget keeps its slot if a copy of its message has begun a call under that slot', async () => {
    const actionsOfCopy: unknown[] = [];
    let copies = 0;
    const { store, other } = world(async (input) => {
      if (!isBudget(input) || copies > 0) return;
      copies += 1;
      const { decisions } = await permitCreates(other, site, [want(ID)]);
      actionsOfCopy.push(decisions.get(ID)?.action);
    });
    await permitCreates(other, site, [want(instanceId({ fleetId: 'f1kdvdnc4jyfcbym5', index: 1 }))]);
    const { decisions } = await permitCreates(store, site, [want(ID)], { turn: 1 });
    expect([decisions.get(ID)?.action, actionsOfCopy]).toEqual(['deny', ['allow']]);
    expect(Object.keys(await readHolders(store, site))).toContain(ID);
  });
});
