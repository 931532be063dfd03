import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { instanceId } from '../../../../functions/model/identifiers.ts';
import { NO_CALLS, takeCalls } from '../../../../functions/platform/governor/connection-calls.ts';
import { decideCreates } from '../../../../functions/platform/governor/decide-creates.ts';
import { readHolders } from '../../../../functions/platform/governor/hold-location.ts';
import { permitCalls, permitFurtherCreates } from '../../../../functions/platform/governor/permit-calls.ts';
import { permitCreates } from '../../../../functions/platform/governor/permit-creates.ts';
import { viewGovernor } from '../../../../functions/platform/governor/view-governor.ts';
import { ClientLoans, governedBy, governorTable } from './governor-table.ts';
import { tokenBucket } from './token-bucket.ts';
import { limits, NOON, site, want } from './wanted.ts';

const loans = new ClientLoans();
afterEach(() => loans.takeBack());

const FLEET = 'f1kdvdnc4jyfcbym5';
const FAST = { create: { perSecond: 1_000, burst: 1_000 }, list: { perSecond: 1_000, burst: 1_000 } };
const launches = (count: number, from = 0, changes: Parameters<typeof want>[1] = {}) =>
  Array.from({ length: count }, (_, at) => want(instanceId({ fleetId: FLEET, index: from + at }), changes));

function world(override: object) {
  const { store, clock, calls } = governorTable(loans);
  const connection = governedBy({ calls: FAST, concurrentInstancesPerLocation: 1_000, ...override });
  const at = (location: string) => ({ ...connection, location });
  const create = async (location: string, wanted: ReturnType<typeof launches>) =>
    [...(await permitCreates(store, at(location), wanted)).decisions.values()].map(({ action }) => action);
  return { store, clock, calls, connection, at, create };
}
const countOf = (actions: readonly string[], action: string) =>
  actions.filter((one) => one === action).length;

describe('rates of calls over all locations of a connection', () => {
  it('create calls of all locations share a window, and launches beyond it wait for the next one without a slot', async () => {
    const { create, clock, store, at } = world({
      connectionCalls: { create: { count: 10, windowSeconds: 300 } },
    });
    expect(countOf(await create('us-east-1', launches(7)), 'allow')).toBe(7);
    const second = await create('us-west-2', launches(7, 7));
    expect([countOf(second, 'allow'), countOf(second, 'queue')]).toEqual([3, 4]);
    expect(Object.keys(await readHolders(store, at('us-west-2')))).toHaveLength(3);
    clock.nowMs += 299_000;
    expect(await create('us-west-2', launches(1, 10))).toEqual(['queue']);
    clock.nowMs += 1_200;
    expect(countOf(await create('us-west-2', launches(4, 10)), 'allow')).toBe(4);
  });

  it('launches that share a create call take one call together', async () => {
    const { create } = world({ connectionCalls: { create: { perSecond: 1, burst: 2 } } });
    const alike = { call: { key: 'f web', most: 20 } };
    expect(countOf(await create('us-east-1', launches(20, 0, alike)), 'allow')).toBe(20);
    expect(countOf(await create('us-west-2', launches(20, 20, alike)), 'queue')).toBe(20);
  });

  it('create calls and other changing calls share the bucket of changes, and lists do not', async () => {
    const { create, store, at } = world({ connectionCalls: { change: { count: 5, windowSeconds: 60 } } });
    expect(countOf(await create('us-east-1', launches(2)), 'allow')).toBe(2);
    const mutate = await permitCalls(store, at('us-west-2'), { kind: 'mutate' }, [1, 1, 1, 1]);
    expect(mutate).toMatchObject({ granted: 3 });
    expect(mutate.retryAfterMs).toBeGreaterThan(59_000);
    expect(await permitFurtherCreates(store, at('eu-west-1'), [1])).toMatchObject({ granted: 0 });
    expect(await permitCalls(store, at('us-west-2'), { kind: 'list' }, [1])).toMatchObject({ granted: 1 });
  });

  it('an action with a bucket of its own also takes from the bucket over all locations', async () => {
    const calls = { perSecond: 100, burst: 100 };
    const { store, at } = world({
      actions: { 'sim:DELETE instances': { calls } },
      connectionCalls: { mutate: { count: 1, windowSeconds: 60 } },
    });
    const call = { kind: 'mutate', action: 'sim:DELETE instances' } as const;
    expect(await permitCalls(store, at('us-east-1'), call, [1, 1])).toMatchObject({ granted: 1 });
  });

  it('concurrent workers at many locations together get exactly the calls of a window', async () => {
    const { create } = world({ connectionCalls: { create: { count: 8, windowSeconds: 60 } } });
    const all = await Promise.all(
      Array.from({ length: 6 }, (_, at) => create(`region-${at}`, launches(3, 3 * at))),
    );
    expect(countOf(all.flat(), 'allow')).toBe(8);
  });

  it('the view shows how much of each rate is used', async () => {
    const { create, store, connection } = world({
      connectionCalls: { create: { count: 10, windowSeconds: 300 } },
      reserve: 0.1,
    });
    await create('us-east-1', launches(3));
    const { connectionCalls } = await viewGovernor(store, connection);
    expect(connectionCalls).toEqual([{ calls: 'create', perSecond: 0.03, used: 3, of: 9 }]);
  });

  it('without such rates, a permit takes no further read and no further write', async () => {
    const plain = world({});
    await plain.create('us-east-1', launches(3));
    const before = plain.calls.length;
    await plain.create('us-east-1', launches(3, 3));
    expect(plain.calls.slice(before)).toEqual(['GetCommand', 'PutCommand']);
  });

  it('a cloud with the same token bucket accepts all permitted calls', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 40 });
    const rate = fc.record({
      perSecond: fc.double({ min: 0.2, max: 20, noNaN: true }),
      burst: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(gaps, rate, fc.integer({ min: 1, max: 12 }), (gapsMs, create, wanted) => {
        const allowed = { ...limits({}), connectionCalls: { create } };
        const accepts = tokenBucket(create);
        let [state, nowMs] = [NO_CALLS, NOON];
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const next = takeCalls(state, allowed, 'create', wanted, nowMs);
          state = next.state;
          for (let call = 0; call < next.taken.granted; call += 1) expect(accepts(nowMs)).toBe(true);
        }
      }),
    );
  });
});

describe('limits of families of instance types', () => {
  const families = { p5: { instances: { perSecond: 0.5, burst: 3 } } };
  const allowed = {
    ...limits({ concurrentInstancesPerLocation: 1_000, families }),
    calls: { ...limits({}).calls, ...FAST },
  };
  const gpus = { instanceType: 'p5.48xlarge' };

  it('launches of the family wait for its rate, and other launches do not', () => {
    const wanted = [...launches(10, 0, gpus), ...launches(10, 10)];
    const { decisions, state } = decideCreates(site(), allowed, NOON, wanted);
    const starts = [...decisions.values()].map((one) => (one.action === 'allow' ? 0 : one.action));
    expect(starts.slice(0, 10).filter((start) => start === 0)).toHaveLength(2);
    expect(starts.slice(10)).toEqual(Array.from({ length: 10 }, () => 0));
    const again = decideCreates(state ?? site(), allowed, NOON + 1, launches(1, 20, gpus));
    expect([...again.decisions.values()]).toEqual([{ action: 'queue', why: 'rate' }]);
    const rested = decideCreates(state ?? site(), allowed, NOON + 2_000, launches(2, 20, gpus));
    expect([...rested.decisions.values()].map(({ action }) => action)).toEqual(['allow', 'queue']);
  });

  it('a call has as many machines of the family as its rate allows together', () => {
    const alike = { ...gpus, call: { key: 'f gpus', most: 20 } };
    const { decisions } = decideCreates(site(), allowed, NOON, launches(5, 0, alike));
    const calls = [...decisions.values()].map((one) => ('call' in one ? one.call : undefined));
    expect(calls.slice(0, 2)).toEqual(['1', '1']);
    expect(new Set(calls.slice(2)).has('1')).toBe(false);
  });
});
