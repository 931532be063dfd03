import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CloudCall, Permit } from '../../../../functions/drivers/contract/call-gate.ts';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { MAX_DENIED_CALLS } from '../../../../functions/model/denied-call.ts';
import { noteDenied, readDeniedCalls } from '../../../../functions/platform/store/denied-calls.ts';
import { CallHealth } from '../../../../functions/platform/worker/call-health.ts';
import { CallGovernor } from '../../../../functions/platform/worker/govern-calls.ts';
import { ClientLoans, governedBy, governorTable, NOON } from '../governor/governor-table.ts';

const MINUTE = 60_000;
const CONNECTION = { driver: 'aws', id: 'c-1' } as const;
const RUN: CloudCall = { action: 'ec2:RunInstances', kind: 'create', location: 'us-west-2' };
const LIST: CloudCall = { action: 'ec2:DescribeInstances', kind: 'list', location: 'us-west-2' };
const DENIED = new DriverError('Forbidden', 'a policy denies it', { cloudCode: 'UnauthorizedOperation' });
const log = { info: () => {}, warn: () => {}, error: () => {} };

const loans = new ClientLoans();
let table: ReturnType<typeof governorTable>;
beforeEach(() => {
  table = governorTable(loans);
});
afterEach(() => loans.takeBack());

const health = () => new CallHealth(table.store, log, CONNECTION);
const shown = () => readDeniedCalls(table.store, CONNECTION);
const writes = () => table.calls.filter((command) => /Put|Update/.test(command)).length;

describe('the health of a connection', () => {
  it('names each denied call with its location, the words of the cloud, since when, and the next try', async () => {
    await health().denied(RUN, DENIED);
    await health().denied(LIST, DENIED);
    const words = { code: 'UnauthorizedOperation', message: 'a policy denies it', location: 'us-west-2' };
    const since = new Date(NOON).toISOString();
    const nextTryAt = new Date(NOON + MINUTE).toISOString();
    expect(await shown()).toEqual(
      expect.arrayContaining([
        { ...words, call: 'ec2:RunInstances', since, lastAt: since, nextTryAt },
        { ...words, call: 'ec2:DescribeInstances', since, lastAt: since, nextTryAt },
      ]),
    );
  });

  it('does not tell of a denied call without which the driver works', async () => {
    await health().denied({ ...LIST, isOptional: true }, DENIED);
    expect(await shown()).toEqual([]);
    expect(writes()).toBe(0);
  });

  it('is written once for a hundred denials, of one process or of many', async () => {
    const one = health();
    await Promise.all(Array.from({ length: 100 }, () => one.denied(RUN, DENIED)));
    for (let at = 0; at < 10; at += 1) await health().denied(RUN, DENIED);
    expect(writes()).toBe(1);
  });

  it('a denied create call keeps the time of its first denial, and each further denial moves the next try further away', async () => {
    for (const atMinute of [0, 1, 3, 7]) {
      table.clock.nowMs = NOON + atMinute * MINUTE;
      await health().denied(RUN, DENIED);
    }
    const [call] = await shown();
    expect(call?.since).toBe(new Date(NOON).toISOString());
    expect(Date.parse(call?.nextTryAt ?? '') - table.clock.nowMs).toBe(8 * MINUTE);
  });

  it('a call that the cloud accepts again is removed from the denied calls, and while no call is denied, the health is read once for many calls', async () => {
    await health().denied(RUN, DENIED);
    await health().denied(LIST, DENIED);
    const one = health();
    await one.accepted(RUN);
    expect((await shown()).map(({ call }) => call)).toEqual(['ec2:DescribeInstances']);
    const before = table.calls.length;
    for (let at = 0; at < 10; at += 1) await one.accepted(RUN);
    expect(table.calls.length).toBe(before);
  });

  it.each([
    [RUN, 1_000],
    [LIST, MINUTE],
  ])(
    'the acceptance of %j removes a denial that another process wrote %i ms after this one has read',
    async (call, ms) => {
      const one = health();
      await one.accepted(call);
      await health().denied(call, DENIED);
      table.clock.nowMs = NOON + ms - 1;
      await one.accepted(call);
      expect(await shown()).toHaveLength(1);
      table.clock.nowMs = NOON + ms;
      await one.accepted(call);
      expect(await shown()).toEqual([]);
    },
  );

  it('a hundred create calls that end together read the health once', async () => {
    const one = health();
    await Promise.all(Array.from({ length: 100 }, () => one.accepted(RUN)));
    expect(table.calls).toHaveLength(1);
  });

  it('says nothing about a refused credential, nor about a denial of one image', async () => {
    await health().denied(RUN, new DriverError('Unauthorized', 'wrong key'));
    await health().denied(
      RUN,
      new DriverError('Forbidden', 'not authorized for images', { scope: 'launch' }),
    );
    expect(await shown()).toEqual([]);
  });

  it('is bounded', async () => {
    for (let at = 0; at < MAX_DENIED_CALLS + 5; at += 1)
      await noteDenied(table.store, CONNECTION, {
        call: `call-${at}`,
        location: undefined,
        code: 'Forbidden',
        message: 'x'.repeat(5_000),
        isCreate: false,
      });
    const calls = await shown();
    expect(calls).toHaveLength(MAX_DENIED_CALLS);
    expect(calls.every(({ message }) => message.length === 300)).toBe(true);
  });
});

it('a call gate records the denied calls of its connection, and passes the error on', async () => {
  const { connectionKey, limits } = governedBy({});
  const gate = new CallGovernor(table.store, log, {
    connectionKey,
    limits,
    endsAtMs: () => Number.MAX_SAFE_INTEGER,
    health: health(),
  });
  const refused: unknown = await gate
    .send(LIST, async (permit: Permit) => {
      permit.use();
      throw DENIED;
    })
    .catch((error: unknown) => error);
  expect(refused).toBe(DENIED);
  expect((await shown()).map(({ call }) => call)).toEqual(['ec2:DescribeInstances']);
});

it('a table that fails does not fail the call', async () => {
  const broken = {
    ...table.store,
    document: { send: () => Promise.reject(new Error('the table is down')) },
  };
  const one = new CallHealth(Object.assign(Object.create(table.store), broken), log, CONNECTION);
  await expect(one.denied(RUN, DENIED)).resolves.toBeUndefined();
  await expect(one.accepted(RUN)).resolves.toBeUndefined();
});
