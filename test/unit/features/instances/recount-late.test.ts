import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recountLate } from '../../../../functions/features/instances/recount-late.ts';
import type { WantedCreate } from '../../../../functions/model/wanted-create.ts';
import { permitCreates } from '../../../../functions/platform/governor/permit-creates.ts';
import { ClientLoans, governedBy, governorTable } from '../../platform/governor/governor-table.ts';
import { want } from '../../platform/governor/wanted.ts';
import { idOf, OneFleet } from '../one-fleet/one-fleet.ts';

const loans = new ClientLoans();
const LOCATION = 'us-east-1';
let fleet: OneFleet;
let table: ReturnType<typeof governorTable>;
beforeEach(async () => {
  fleet = await OneFleet.open();
  table = governorTable(loans);
});
afterEach(() => {
  loans.takeBack();
  fleet.end();
});

const connection = governedBy({ calls: { create: { perSecond: 1, burst: 5 } } });
const permit = async (indices: readonly number[]) => {
  const wanted: WantedCreate[] = indices.map((index) => want(idOf(index)));
  return await permitCreates(table.store, { ...connection, location: LOCATION }, wanted);
};

async function recountOf(countedAtMs: number, leftMs = 60_000) {
  const { opened } = await fleet.takePoll();
  const { context } = fleet.worker;
  const sleep = async (ms: number) => {
    table.clock.nowMs += ms;
  };
  const clock = { now: table.clock.now, sleep };
  const tables = { ...context.store.tables, governor: 'governor' };
  const store = { ...context.store, ...table.store, tables, clock };
  const invocation = { endsAtMs: table.clock.nowMs + leftMs };
  const site = { connectionKey: connection.connectionKey, location: LOCATION };
  const governed = { ...opened, limits: connection.limits };
  return recountLate({ ...context, store, invocation }, site, governed, countedAtMs);
}

describe('recountLate', () => {
  it('a call that leaves soon after its permit needs no write', async () => {
    const { decidedAtMs } = await permit([0]);
    const before = table.calls.length;
    table.clock.nowMs += 90;
    expect(await (await recountOf(decidedAtMs))(1)).toBeUndefined();
    expect(table.calls).toHaveLength(before);
  });

  it('late calls leave after one write if no other call was counted since', async () => {
    const { decidedAtMs } = await permit([0, 1, 2]);
    table.clock.nowMs += 2_000;
    const recount = await recountOf(decidedAtMs);
    const before = table.calls.length;
    expect(await Promise.all([recount(1), recount(2)])).toEqual([undefined, undefined]);
    expect(table.calls.slice(before).filter((call) => /Put|Update|Transact/.test(call))).toHaveLength(1);
  });

  it('late calls wait if calls that were counted since have emptied the bucket of the cloud', async () => {
    const { decidedAtMs } = await permit([0, 1, 2, 3]);
    table.clock.nowMs += 4_000;
    const later = await permit([4, 5, 6, 7]);
    expect([...later.decisions.values()].map(({ action }) => action)).toContain('allow');
    const nowMs = table.clock.nowMs;
    expect(await (await recountOf(decidedAtMs))(4)).toBeUndefined();
    expect(table.clock.nowMs - nowMs).toBeGreaterThan(2_000);
  });

  it('late calls are not made if the invocation ends before they may leave', async () => {
    const { decidedAtMs } = await permit([0, 1, 2, 3]);
    table.clock.nowMs += 4_000;
    await permit([4, 5, 6, 7]);
    expect(await (await recountOf(decidedAtMs, 11_000))(4)).toMatchObject({ code: 'NoPermit' });
  });
});
