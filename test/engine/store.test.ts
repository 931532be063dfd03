import { describe, expect, it } from 'vitest';
import { listFleets, readFleet } from '../../functions/features/fleets/fleet-view.ts';
import { listInstances } from '../../functions/features/instances/instance-view.ts';
import { instanceId } from '../../functions/model/identifiers.ts';
import { closeFleet, readFleetItem, updateFleet } from '../../functions/platform/store/fleets.ts';
import { readInstances, readSiteEntries } from '../../functions/platform/store/instances.ts';
import { listActiveFleetIds } from '../../functions/platform/store/list-fleets.ts';
import { createFleet, findFleetByName } from '../../functions/platform/store/new-fleet.ts';
import { endPlacement, openPlacement, readPlacement } from '../../functions/platform/store/placements.ts';
import { transition } from '../../functions/platform/store/transition.ts';
import { claimOf, openedFleet, request, spec } from './placed-fleet.ts';
import { useTables } from './tables.ts';

const store = useTables();
const opened = (name: string, size?: number) => openedFleet(store, name, size);

describe('fleet items', () => {
  it('only one of five fleets is created if five requests with one name arrive at the same time', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => createFleet(store, { connections: [], spec: spec('raced'), request })),
    );
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
      'created',
      ...Array.from({ length: 4 }, () => 'name-taken'),
    ]);
  });

  it('a repeated idempotency key returns the first fleet, and is refused for another body', async () => {
    const first = spec('repeated');
    const key = { key: 'k1', requestHash: 'h1' };
    await createFleet(store, { connections: [], spec: first, request, idempotency: key });
    const again = await createFleet(store, {
      connections: [],
      spec: spec('repeated'),
      request,
      idempotency: key,
    });
    expect(again).toEqual({ outcome: 'replayed', fleetId: first.fleetId });
    const other = { key: 'k1', requestHash: 'h2' };
    expect(
      await createFleet(store, { connections: [], spec: spec('other'), request, idempotency: other }),
    ).toEqual({
      outcome: 'key-reused',
    });
  });

  it('a fleet is updated only if it has not changed since it was read, and its name is free after its end', async () => {
    const { fleetId } = await opened('ending');
    const asked = await readFleetItem(store, fleetId);
    if (!asked) throw new Error('the fleet has no record');
    expect(
      await updateFleet(store, { ...asked, status: 'Running' }, { status: 'Terminating' }),
    ).toBeUndefined();
    expect(await updateFleet(store, { ...asked, execution: 2 }, { status: 'Terminating' })).toBeUndefined();
    expect(await updateFleet(store, { ...asked, work: 'remove' }, { status: 'Terminating' })).toBeUndefined();
    const fleet = await updateFleet(store, asked, { status: 'Terminating', work: 'remove', execution: 2 });
    expect(fleet).toMatchObject({ status: 'Terminating', work: 'remove', execution: 2 });
    if (!fleet) throw new Error('not updated');
    expect((await listActiveFleetIds(store)).fleetIds).toContain(fleetId);
    await closeFleet(store, fleet, 'Terminated');
    await closeFleet(store, fleet, 'Terminated');
    expect((await listActiveFleetIds(store)).fleetIds).not.toContain(fleetId);
    expect(await findFleetByName(store, 'default', 'ending')).toBeUndefined();
    expect((await readFleet(store, 'default', fleetId))?.counts).toEqual({ requested: 4, Terminated: 4 });
  });

  it('`listFleets` lists the fleets of a namespace in pages, newest first', async () => {
    const names = ['page-a', 'page-b', 'page-c'];
    for (const name of names) {
      await createFleet(store, { connections: [], spec: spec(name, 2, 'paged'), request });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const first = await listFleets(store, 'paged', { limit: 2 });
    const second = await listFleets(store, 'paged', { limit: 2, cursor: first.cursor ?? undefined });
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(names.toReversed());
  });
});

describe('transition', () => {
  it('only one of three equal claims is applied and counted', async () => {
    const { fleetId, ref } = await opened('claimed');
    const claim = { kind: 'claim' as const, record: claimOf(fleetId, 0) };
    const results = await Promise.all([1, 2, 3].map(() => transition(store, ref, [claim], 0)));
    expect(results.flatMap(({ applied }) => applied)).toEqual([claim.record.instanceId]);
    const placement = await readPlacement(store, fleetId, ref.connectionKey, ref.location);
    expect(placement?.counts).toEqual({ Creating: 1 });
  });

  it('`transition` applies the valid changes of a batch and refuses the outdated change', async () => {
    const { fleetId, ref } = await opened('partly', 8);
    const records = [0, 1, 2].map((index) => claimOf(fleetId, index));
    await transition(
      store,
      ref,
      records.map((one) => ({ kind: 'claim', record: one })),
      0,
    );
    const stale = { ...claimOf(fleetId, 1), attempt: 2 };
    const [first, , third] = records;
    if (!first || !third) throw new Error('an instance has no record');
    const result = await transition(
      store,
      ref,
      [first, stale, third].map((one) => ({ kind: 'change', record: one, to: 'Running' })),
      10,
    );
    expect(result.applied).toEqual([first.instanceId, third.instanceId]);
    expect(result.refused).toEqual([stale.instanceId]);
    const placement = await readPlacement(store, fleetId, ref.connectionKey, ref.location);
    expect(placement).toMatchObject({ counts: { Creating: 1, Running: 2 }, microUsdPerHour: 192_000 });
  });

  it('a claim is stopped after launching has ended, also in a later round', async () => {
    const { fleetId, ref, placement } = await opened('fenced');
    await endPlacement(store, fleetId, placement);
    await openPlacement(store, fleetId, placement, 2);
    const result = await transition(store, ref, [{ kind: 'claim', record: claimOf(fleetId, 0) }], 0);
    expect(result).toEqual({ applied: [], refused: [], stoppedByGate: true, withoutSeat: [] });
    expect(await readInstances(store, [{ fleetId, index: 0 }])).toEqual(new Map());
  });

  it('the counters of a placement are correct after 30 transitions at the same time', async () => {
    const { fleetId, ref } = await opened('contended', 60);
    const records = Array.from({ length: 30 }, (_, index) => claimOf(fleetId, index));
    await Promise.all(records.map((one) => transition(store, ref, [{ kind: 'claim', record: one }], 0)));
    await Promise.all(
      records.map((one) => transition(store, ref, [{ kind: 'change', record: one, to: 'Running' }], 5)),
    );
    const placement = await readPlacement(store, fleetId, ref.connectionKey, ref.location);
    expect(placement?.counts).toEqual({ Creating: 0, Running: 30 });
  });

  it('a closed record is removed from the index of its site, and the fleet keeps the cost of its run', async () => {
    const { fleetId, ref } = await opened('closing');
    const one = { ...claimOf(fleetId, 0), location: 'us-closing-1' };
    const site = { ...ref };
    await transition(store, site, [{ kind: 'claim', record: one }], 0);
    expect(await readSiteEntries(store, ref.connectionKey, 'us-closing-1')).toHaveLength(1);
    await transition(store, site, [{ kind: 'change', record: one, to: 'Running' }], 100);
    const running = (await readInstances(store, [one])).get(one.instanceId);
    if (!running) throw new Error('the instance has no record');
    await transition(store, site, [{ kind: 'change', record: running, to: 'Terminated' }], 3_700);
    expect(await readSiteEntries(store, ref.connectionKey, 'us-closing-1')).toEqual([]);
    expect((await readFleet(store, 'default', fleetId))?.costUsd).toBeCloseTo(0.096, 6);
  });
});

describe('listInstances', () => {
  it('`listInstances` lists all positions of a fleet in pages, including positions that no worker has claimed', async () => {
    const { fleetId, ref } = await opened('listed', 7);
    await transition(store, ref, [{ kind: 'claim', record: claimOf(fleetId, 1) }], 0);
    const seen: string[] = [];
    let cursor: number | undefined;
    do {
      const page = await listInstances(store, 'default', fleetId, { limit: 3, cursor });
      seen.push(...(page?.items ?? []).map(({ status }) => status));
      cursor = page?.cursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(['Planned', 'Creating', 'Planned', 'Planned', 'Planned', 'Planned', 'Planned']);
    const creating = await listInstances(store, 'default', fleetId, { limit: 3, status: 'Creating' });
    expect(creating).toMatchObject({ items: [{ id: instanceId({ fleetId, index: 1 }) }], cursor: null });
    expect(await listInstances(store, 'other', fleetId, { limit: 3 })).toBeUndefined();
  });
});
