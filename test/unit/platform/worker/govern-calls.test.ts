import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CloudCall, Permit } from '../../../../functions/drivers/contract/call-gate.ts';
import type { CloudClient } from '../../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { CallGovernor } from '../../../../functions/platform/worker/govern-calls.ts';
import { ClientLoans, governedBy, governorTable } from '../governor/governor-table.ts';

const loans = new ClientLoans();
const LIST: CloudCall = { action: 'test:List', kind: 'list', location: 'here' };
const CREATE: CloudCall = { action: 'test:Run', kind: 'create', location: 'here' };
const RATE = { perSecond: 1, burst: 3 };

let table: ReturnType<typeof governorTable>;
let logged: unknown[];
let endsAtMs: number;
beforeEach(() => {
  table = governorTable(loans);
  logged = [];
  endsAtMs = Number.MAX_SAFE_INTEGER;
});
afterEach(() => loans.takeBack());

/** Creates a connection whose requests need permits. `sent` has the actions of the requests that `request` sent. */
function connected() {
  const log = { info: () => {}, warn: (_: string, detail?: unknown) => logged.push(detail), error: () => {} };
  const { connectionKey, limits } = governedBy({ calls: { create: RATE, list: RATE, mutate: RATE } });
  const governor = new CallGovernor(table.store, log, {
    connectionKey,
    limits,
    endsAtMs: () => endsAtMs,
  });
  const sent: string[] = [];
  const request = (call: CloudCall) =>
    governor.send(call, async (permit) => {
      permit.use();
      sent.push(call.action);
    });
  return { governor, sent, request };
}

/** Returns a client whose `listLocations` sends these requests, one after the other. */
function clientOf(request: (call: CloudCall) => Promise<void>, calls: readonly CloudCall[]): CloudClient {
  const listLocations = async () => {
    for (const call of calls) await request(call);
    return [];
  };
  return Object.assign(Object.create(null), { listLocations });
}

describe('requests of a connection', () => {
  it('requests are sent within the rate of their kind, and further requests are refused', async () => {
    const { sent, request } = connected();
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => request(LIST)));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(sent.length).toBeGreaterThanOrEqual(2);
    expect(sent.length).toBeLessThanOrEqual(3);
    expect(refused).toHaveLength(5 - sent.length);
    expect(refused[0]).toMatchObject({ reason: { code: 'NoPermit' } });
  });

  it('a sign-in request needs no permit', async () => {
    const { sent, request } = connected();
    await Promise.all(Array.from({ length: 9 }, () => request({ ...LIST, kind: 'sign-in' })));
    expect(sent).toHaveLength(9);
    expect(table.calls).toEqual([]);
  });

  it('create requests use the permits of their launches, and a further request asks the governor for a permit', async () => {
    const { governor, sent, request } = connected();
    const client = clientOf(request, [{ ...CREATE, machines: 4 }, CREATE]);
    await governor.client(client, { creates: { calls: 2, machines: 5 } }).listLocations();
    expect(sent).toHaveLength(2);
    expect(table.calls).toEqual([]);
    await governor.client(client, { creates: { calls: 2, machines: 4 } }).listLocations();
    expect(sent).toHaveLength(4);
    expect(table.calls).not.toEqual([]);
  });

  it('a throttled request is logged with its action, and slows down requests of its kind', async () => {
    const { governor, request, sent } = connected();
    const throttled = new DriverError('Throttled', 'slow down', { retryAfterMs: 60_000 });
    const call = governor.send(LIST, () => Promise.reject(throttled));
    await expect(call).rejects.toBe(throttled);
    expect(logged).toEqual([expect.objectContaining({ action: 'test:List', code: 'Throttled' })]);
    await expect(request(LIST)).rejects.toMatchObject({ code: 'NoPermit' });
    await request({ ...LIST, kind: 'mutate' });
    expect(sent).toEqual(['test:List']);
  });
});

it('a permit cannot be used for a second request', () => {
  const permit = new Permit(LIST);
  permit.use();
  expect(() => permit.use()).toThrow(/test:List.*used before/);
});
