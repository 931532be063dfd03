import { afterEach, describe, expect, it } from 'vitest';
import { governorViewSchema } from '../../../../functions/model/governor-view.ts';
import type { WantedCreate } from '../../../../functions/model/wanted-create.ts';
import type { Feedback } from '../../../../functions/platform/governor/blocks.ts';
import { recordFeedback } from '../../../../functions/platform/governor/create-feedback.ts';
import { permitCalls, slowDown } from '../../../../functions/platform/governor/permit-calls.ts';
import { permitCreates } from '../../../../functions/platform/governor/permit-creates.ts';
import { reopenConnection, viewGovernor } from '../../../../functions/platform/governor/view-governor.ts';
import { addToQueue } from '../../../../functions/platform/store/launch-queue.ts';
import { startLoop } from '../../../../functions/platform/store/loops.ts';
import { ClientLoans, governedBy, governorTable, NOON } from './governor-table.ts';

const FLEET = 'f0123456789abcdef';
const OTHER = 'f0123456789abcdeg';
const loans = new ClientLoans();
afterEach(() => loans.takeBack());

const wants = (index: number, fleetId = FLEET): WantedCreate => ({
  instanceId: `${fleetId}-${String(index).padStart(5, '0')}`,
  fleetId,
  round: 1,
  instanceType: 'm6i.large',
  zone: 'us-east-1a',
  vcpus: 2,
  gpus: 0,
  memoryGb: 8,
  mayGoElsewhere: false,
});

/** Creates a governor table with one connection. The returned functions act at the connection's sites as workers do. */
function world(override: unknown) {
  const { store, clock, calls } = governorTable(loans);
  const connection = governedBy(override);
  const at = (location: string) => ({ ...connection, location });
  return {
    store,
    clock,
    calls,
    connection,
    at,
    begin: (location: string) => startLoop(store, at(location), NOON),
    create: (location: string, count: number, from = 0) =>
      permitCreates(
        store,
        at(location),
        Array.from({ length: count }, (_, index) => wants(from + index)),
      ),
    wait: async (location: string, count: number, fleetId = FLEET) => {
      const launches = Array.from({ length: count }, (_, index) => {
        const { connectionKey } = connection;
        const message = { kind: 'launch', fleetId, index, connectionKey, location, round: 1 } as const;
        return { message: { ...message, taskToken: 'token' }, wanted: wants(index, fleetId) };
      });
      await addToQueue(store, at(location), launches, { turn: 0, step: 4 });
    },
    applyFeedback: (location: string, ...feedback: Feedback[]) =>
      recordFeedback(store, at(location), feedback, []),
    view: async () => {
      const view = await viewGovernor(store, connection);
      expect(governorViewSchema.parse(view)).toEqual(view);
      return view;
    },
    async viewOf(location: string) {
      const found = (await this.view()).locations.find((one) => one.location === location);
      if (!found) throw new Error(`the view does not show ${location}`);
      return found;
    },
  };
}

describe('viewGovernor', () => {
  it('the view of a connection without launches shows no location and no used slot', async () => {
    const { view } = world({ concurrentLocations: 3 });
    expect(await view()).toEqual({
      locationsInUse: { taken: 0, of: 3 },
      budgets: [],
      locations: [],
      locationsLeftOut: 0,
    });
  });

  it('the view of a location shows its slots, its launch queue by fleet, and its rates', async () => {
    const one = world({ concurrentInstancesPerLocation: 2 });
    await one.begin('us-east-1');
    await one.create('us-east-1', 2);
    await one.wait('us-east-1', 5);
    await one.wait('us-east-1', 2, OTHER);
    expect(await one.viewOf('us-east-1')).toEqual({
      location: 'us-east-1',
      inUse: true,
      calls: {
        create: { perSecond: 5, ofPerSecond: 5 },
        list: { perSecond: 10, ofPerSecond: 10 },
        mutate: { perSecond: 10, ofPerSecond: 10 },
      },
      inFlight: { taken: 2, of: 2 },
      waiting: {
        launches: 7,
        byFleet: [
          { fleet: FLEET, launches: 5 },
          { fleet: OTHER, launches: 2 },
        ],
      },
      reasons: [{ why: 'slots', taken: 2, of: 2 }],
    });
    expect((await one.view()).locationsInUse).toEqual({ taken: 1, of: 30 });
  });

  it('the view lists locations in use first, and shows at which location launches wait for a location slot', async () => {
    const one = world({ concurrentLocations: 1 });
    await one.begin('ap-south-1');
    await one.begin('us-east-1');
    await one.create('us-east-1', 1);
    await one.create('ap-south-1', 1, 1);
    await one.wait('ap-south-1', 1);
    const { locations } = await one.view();
    expect(locations.map(({ location, inUse }) => [location, inUse])).toEqual([
      ['us-east-1', true],
      ['ap-south-1', false],
    ]);
    expect(locations[1]?.reasons).toEqual([{ why: 'locations', taken: 1, of: 1 }]);
    expect(locations[0]?.reasons).toEqual([]);
  });

  it('the view lists at most 200 locations, and first the locations in use', async () => {
    const one = world({});
    for (let at = 0; at < 203; at += 1) await one.begin(`region-${String(at).padStart(3, '0')}`);
    await one.create('region-202', 1);
    const { locations, locationsLeftOut } = await one.view();
    expect([locations.length, locationsLeftOut, locations[0]?.location]).toEqual([200, 3, 'region-202']);
  });

  it('the view shows a rate that was halved after a throttle, and the recovery of the rate', async () => {
    const one = world({});
    await one.begin('us-east-1');
    await one.create('us-east-1', 1);
    const { instanceId } = wants(0);
    await recordFeedback(
      one.store,
      one.at('us-east-1'),
      [],
      [{ instanceId, calledAtMs: NOON, retryAfterMs: 4_000 }],
    );
    await permitCalls(one.store, one.at('us-east-1'), { kind: 'list' }, [1]);
    await slowDown(one.store, one.at('us-east-1'), { kind: 'list' }, undefined);
    const until = '2026-01-01T12:00:04.000Z';
    const sinceAt = '2026-01-01T12:00:00.000Z';
    const { calls, reasons } = await one.viewOf('us-east-1');
    expect(calls.create).toEqual({ perSecond: 2.5, ofPerSecond: 5, blockedUntil: until });
    expect(calls.list).toMatchObject({ perSecond: 5, ofPerSecond: 10 });
    expect(calls.mutate).toEqual({ perSecond: 10, ofPerSecond: 10 });
    expect(reasons).toContainEqual({ why: 'throttled', call: 'create', share: 0.5, sinceAt, until });
    expect(reasons.filter(({ why }) => why === 'throttled')).toHaveLength(2);
    one.clock.nowMs += 25_000;
    const later = await one.viewOf('us-east-1');
    expect(later.calls.create?.perSecond).toBeCloseTo(3.75);
    expect(later.calls.create).not.toHaveProperty('blockedUntil');
    one.clock.nowMs += 100_000;
    expect((await one.viewOf('us-east-1')).reasons).toEqual([]);
  });

  it('the view shows each lack of capacity, used-up quota and outage until it is over', async () => {
    const one = world({});
    await one.begin('us-east-1');
    await one.applyFeedback(
      'us-east-1',
      { kind: 'no-capacity', wanted: wants(0) },
      { kind: 'no-quota', wanted: wants(0), message: 'You have requested more vCPU capacity' },
      ...Array.from({ length: 4 }, (): Feedback => ({ kind: 'unavailable' })),
    );
    const sinceAt = '2026-01-01T12:00:00.000Z';
    const shortage = [
      {
        why: 'capacity',
        instanceType: 'm6i.large',
        zone: 'us-east-1a',
        market: 'on-demand',
        sinceAt,
        until: '2026-01-01T12:05:00.000Z',
        probing: false,
      },
      {
        why: 'quota',
        of: 'family',
        fleet: expect.stringMatching(/^f/),
        family: 'm6i',
        message: 'You have requested more vCPU capacity',
        sinceAt,
        retryAt: '2026-01-01T12:01:00.000Z',
      },
    ];
    expect((await one.viewOf('us-east-1')).reasons).toEqual(shortage);
    await one.applyFeedback('us-east-1', { kind: 'unavailable' });
    const nextProbeAt = '2026-01-01T12:00:02.000Z';
    expect((await one.viewOf('us-east-1')).reasons).toEqual([
      { why: 'outage', sinceAt, nextProbeAt },
      ...shortage,
    ]);
    one.clock.nowMs += 70_000;
    await one.create('us-east-1', 1);
    const probing = (await one.viewOf('us-east-1')).reasons.find(({ why }) => why === 'capacity');
    expect(probing).toMatchObject({ probing: true });
    await one.applyFeedback('us-east-1', { kind: 'accepted', wanted: wants(0) });
    expect((await one.viewOf('us-east-1')).reasons).toEqual([]);
  });

  it('the view shows the used part of each budget, and until when a used-up budget stops launches', async () => {
    const one = world({
      createsPerDay: 2,
      createsPerMinute: 2,
      calls: { create: { perSecond: 2, burst: 2 } },
      totals: { vcpus: 64 },
    });
    await one.begin('us-east-1');
    await one.create('us-east-1', 3);
    one.clock.nowMs += 2_000;
    const { budgets, locations } = await one.view();
    expect(budgets).toEqual([
      { budget: 'createsPerMinute', used: 2, of: 2 },
      { budget: 'createsPerDay', used: 2, of: 2 },
      { budget: 'vcpus', used: 4, of: 64 },
    ]);
    expect(locations[0]?.reasons).toEqual([
      { why: 'budget', budget: 'createsPerDay', until: '2026-01-02T00:00:00.000Z' },
    ]);
  });

  it('the view shows whether launches wait for a minimum spacing or for the first running instance', async () => {
    const apart = world({ minimumSpacingMs: 60_000 });
    await apart.begin('us-east-1');
    await apart.create('us-east-1', 1);
    const [reason] = (await apart.viewOf('us-east-1')).reasons;
    expect(reason?.why).toBe('rate');
    expect(reason?.why === 'rate' && Date.parse(reason.nextCallAt)).toBeGreaterThanOrEqual(NOON + 60_000);
    const atOnce = world({ pacing: 'all-at-once' });
    await atOnce.begin('us-east-1');
    await atOnce.create('us-east-1', 2);
    const { calls, inFlight, reasons } = await atOnce.viewOf('us-east-1');
    expect(calls).not.toHaveProperty('create');
    expect([inFlight.taken, reasons]).toEqual([1, [{ why: 'first-instance' }]]);
  });

  it('a view makes one get, one query, two further queries for each location, and no write', async () => {
    const one = world({});
    for (const location of ['us-east-1', 'us-west-2']) await one.begin(location);
    one.calls.length = 0;
    await one.view();
    expect(one.calls.toSorted()).toEqual(['GetCommand', ...Array.from({ length: 5 }, () => 'QueryCommand')]);
  });
});

describe('reopenConnection', () => {
  const closed: Feedback = { kind: 'no-quota', wanted: wants(0), message: 'no more' };

  it('reopening a connection ends the blocks by used-up quotas, at the given location or at all locations', async () => {
    const one = world({});
    for (const location of ['us-east-1', 'us-west-2', 'eu-west-1']) await one.begin(location);
    for (const location of ['us-east-1', 'us-west-2']) await one.applyFeedback(location, closed);
    const denied = await one.create('us-east-1', 1);
    expect(denied.decisions.get(wants(0).instanceId)?.action).toBe('deny');
    expect(await reopenConnection(one.store, one.connection, 'us-east-1')).toEqual({
      reopened: [{ location: 'us-east-1', families: ['m6i'] }],
    });
    const free = await one.create('us-east-1', 1);
    expect(free.decisions.get(wants(0).instanceId)?.action).toBe('allow');
    expect((await one.viewOf('us-west-2')).reasons).toHaveLength(1);
    expect(await reopenConnection(one.store, one.connection)).toEqual({
      reopened: [{ location: 'us-west-2', families: ['m6i'] }],
    });
    expect((await one.viewOf('us-west-2')).reasons).toEqual([]);
  });

  it('reopening a connection without a used-up quota changes nothing', async () => {
    const one = world({});
    expect(await reopenConnection(one.store, one.connection)).toEqual({ reopened: [] });
    expect(await reopenConnection(one.store, one.connection, 'no-such-site')).toEqual({ reopened: [] });
    expect(one.calls).not.toContain('PutCommand');
  });
});
