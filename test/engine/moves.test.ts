import { describe, expect, it } from 'vitest';
import { readFleet } from '../../functions/features/fleets/fleet-view.ts';
import { layOut } from '../../functions/platform/placement/lay-out.ts';
import { readSpec } from '../../functions/platform/store/fleets.ts';
import {
  type InstanceItem,
  readInstances,
  readSiteEntries,
} from '../../functions/platform/store/instances.ts';
import { moveInstance } from '../../functions/platform/store/move.ts';
import {
  blockPlacement,
  endPlacement,
  liveGroups,
  openPlacement,
  pausePlacement,
  readPlacement,
} from '../../functions/platform/store/placements.ts';
import { type StatusChange, transition } from '../../functions/platform/store/transition.ts';
import { claimOf, openedFleet } from './placed-fleet.ts';
import { useTables } from './tables.ts';

const store = useTables();
const failure = { code: 'InsufficientCapacity', message: 'none left' };

async function claimed(name: string, count = 1) {
  const fleet = await openedFleet(store, name, 8);
  const { fleetId, ref, other } = fleet;
  const records = Array.from({ length: count }, (_, index) => claimOf(fleetId, index));
  await transition(
    store,
    ref,
    records.map((record) => ({ kind: 'claim', record })),
    0,
  );
  const [first] = records;
  if (!first) throw new Error('the instance has no record');
  const at = (location: string) => readPlacement(store, fleetId, ref.connectionKey, location);
  return {
    ...fleet,
    records,
    first,
    there: { ...ref, location: other.location },
    here: () => at(ref.location),
    elsewhere: () => at(other.location),
  };
}

async function readRecord(of: InstanceItem): Promise<InstanceItem> {
  const found = (await readInstances(store, [of])).get(of.instanceId);
  if (!found) throw new Error('the instance has no record');
  return found;
}

const change = (record: InstanceItem, to: StatusChange['to'], fields = {}): StatusChange => ({
  kind: 'change',
  record,
  to,
  fields,
});

describe('moveInstance', () => {
  it('moving an instance moves its record and counters, and drops the fields of the old attempt', async () => {
    const { fleetId, first, ref, here, elsewhere } = await claimed('moved');
    const bound = { backendId: 'i-1', publicIp: '203.0.113.9', zone: 'us-east-1a' };
    await transition(
      store,
      ref,
      [change(first, 'Terminating', { ...bound, closeAs: 'Planned', failure })],
      0,
    );
    const leaving = await readRecord(first);
    expect(await moveInstance(store, leaving, 'us-west-2', [])).toBe('moved');
    const moved = await readRecord(first);
    expect(moved).toMatchObject({
      status: 'Planned',
      location: 'us-west-2',
      tried: ['us-east-1'],
      attempt: 1,
      launchState: 'refused',
      deadlineAtMs: first.deadlineAtMs,
    });
    for (const field of ['backendId', 'publicIp', 'zone', 'closeAs', 'failure', 'sitePk']) {
      expect(moved).not.toHaveProperty(field);
    }
    expect(await here()).toMatchObject({ requested: 3, counts: { Terminating: 0 } });
    expect(await elsewhere()).toMatchObject({
      requested: 5,
      counts: { Planned: 1 },
      groups: { web: { Planned: 1 } },
    });
    expect(
      (await readSiteEntries(store, first.connectionKey, 'us-west-2')).map((one) => one.siteSk),
    ).not.toContain(first.instanceId);
    // The move lost no instance. The instance stays Planned until a worker claims it.
    const view = await readFleet(store, 'default', fleetId);
    expect(view).toMatchObject({ counts: { requested: 8, Planned: 8 }, failures: [] });
    expect(view?.byLocation.map(({ counts }) => counts.requested)).toEqual([3, 5]);
  });

  it.each(['paused', 'ended', 'blocked', 'absent'] as const)(
    'a move of an instance to a placement that is %s is barred and changes nothing',
    async (obstacle) => {
      const { fleetId, first, other, there, here } = await claimed(`barred-${obstacle}`);
      if (obstacle === 'paused') await pausePlacement(store, fleetId, other, 1);
      if (obstacle === 'ended') await endPlacement(store, fleetId, other);
      if (obstacle === 'blocked') await blockPlacement(store, there, failure);
      const location = obstacle === 'absent' ? 'eu-nowhere-1' : other.location;
      expect(await moveInstance(store, first, location, [])).toBe('barred');
      expect(await readRecord(first)).toMatchObject({ status: 'Creating', location: 'us-east-1', tried: [] });
      expect(await here()).toMatchObject({ requested: 4, counts: { Creating: 1 } });
    },
  );

  it('only one of several workers moves an instance, and a change of the old record is refused', async () => {
    const { first, ref, here, elsewhere } = await claimed('moved-once');
    const outcomes = await Promise.all([1, 2, 3].map(() => moveInstance(store, first, 'us-west-2', [])));
    expect(outcomes.toSorted()).toEqual(['lost', 'lost', 'moved']);
    expect([(await here())?.requested, (await elsewhere())?.requested]).toEqual([3, 5]);
    const late = await transition(store, ref, [change(first, 'Failed', { failure })], 0);
    expect(late.refused).toEqual([first.instanceId]);
  });

  it('only one of two claims after a move is applied, and the new placement counts one instance', async () => {
    const { first, there, elsewhere } = await claimed('claimed-there');
    await moveInstance(store, first, 'us-west-2', []);
    const moved = await readRecord(first);
    const next = claimOf(first.fleetId, 0, { location: 'us-west-2', attempt: 2, tried: moved.tried });
    const claims = await Promise.all(
      [1, 2].map(() => transition(store, there, [{ kind: 'claim', record: next, replaces: moved }], 0)),
    );
    expect(claims.flatMap(({ applied }) => applied)).toEqual([first.instanceId]);
    expect(await elsewhere()).toMatchObject({ requested: 5, counts: { Planned: 0, Creating: 1 } });
    expect(
      (await readSiteEntries(store, first.connectionKey, 'us-west-2')).map((one) => one.siteSk),
    ).toContain(first.instanceId);
  });
});

/** Turns launching on for the second round, as its Assign step does. */
async function anotherRound(fleetId: string): Promise<void> {
  for (const placement of layOut(await readSpec(store, fleetId))) {
    await openPlacement(store, fleetId, placement, 2);
  }
}

describe('a claim that replaces a record', () => {
  it('a claim of a later round starts a failed instance again and clears its failure', async () => {
    const { first, ref, here } = await claimed('again');
    await transition(store, ref, [change(first, 'Failed', { failure })], 0);
    expect(await here()).toMatchObject({ failureCounts: { InsufficientCapacity: 1 } });
    const failed = await readRecord(first);
    await anotherRound(first.fleetId);
    const next = claimOf(first.fleetId, 0, { attempt: 2, round: 2 });
    await transition(store, ref, [{ kind: 'claim', record: next, replaces: failed }], 0);
    expect(await here()).toMatchObject({
      counts: { Failed: 0, Creating: 1 },
      failureCounts: { InsufficientCapacity: 0 },
      groups: { web: { lost1: 1, Creating: 1, Failed: 0 } },
    });
    expect(await readRecord(first)).not.toHaveProperty('failure');
  });

  it('a claim that replaces an outdated record is refused and changes no counter', async () => {
    const { first, ref, here } = await claimed('again-late');
    await anotherRound(first.fleetId);
    const next = claimOf(first.fleetId, 0, { attempt: 2, round: 2 });
    const stale = { ...first, status: 'Failed' as const };
    const result = await transition(store, ref, [{ kind: 'claim', record: next, replaces: stale }], 0);
    expect(result).toMatchObject({ applied: [], refused: [first.instanceId], stoppedByGate: false });
    expect((await here())?.counts).toEqual({ Creating: 1 });
  });
});

it('a node group is live at a placement until its last instance there is Failed, Planned or Terminated', async () => {
  const { records, ref, here } = await claimed('alive', 3);
  const [one, two, three] = records;
  if (!one || !two || !three) throw new Error('an instance has no record');
  const alive = async () => [...liveGroups((await here()) ?? { groups: {} })];
  expect(await alive()).toEqual(['web']);
  await transition(store, ref, [change(one, 'Failed', { failure }), change(two, 'Planned')], 0);
  expect(await alive()).toEqual(['web']);
  await transition(store, ref, [change(three, 'Terminating')], 0);
  expect(await alive()).toEqual(['web']);
  await transition(store, ref, [change(await readRecord(three), 'Terminated')], 0);
  expect(await alive()).toEqual([]);
});
