import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  attemptElsewhere,
  hasElsewhere,
} from '../../../../functions/features/instances/attempt-elsewhere.ts';
import { nextZoneStep, openZones } from '../../../../functions/features/instances/zones.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { idOf, launchOf, NOON, OneFleet, WEST } from '../one-fleet/one-fleet.ts';

const SCARCE = { code: 'InsufficientCapacity', message: 'no m6i.large left' };

describe('openZones', () => {
  it('a zone that refused a call for several machines is tried again when no untried zone is left', () => {
    const tried = [
      { zone: 'a', machines: 8 },
      { zone: 'b', machines: 1 },
    ];
    expect(openZones(['a', 'b', 'c'], tried)).toEqual(['c']);
    expect(openZones(['a', 'b'], tried)).toEqual(['a']);
    expect(openZones(['b'], tried)).toEqual([]);
  });
});

describe('nextZoneStep', () => {
  const record = { zone: 'a', triedZones: [{ zone: 'b', machines: 4 }] };

  it('an instance that a zone has refused tries the next zone', () => {
    expect(nextZoneStep(record, SCARCE, ['a', 'b', 'c'])).toEqual({
      triedZones: [
        { zone: 'b', machines: 4 },
        { zone: 'a', machines: 1 },
      ],
    });
  });

  it('an attempt whose record has no zone is followed by one in the zones that are left', () => {
    const unplaced = { zone: undefined, triedZones: [{ zone: 'b', machines: 1 }] };
    expect(nextZoneStep(unplaced, SCARCE, ['a', 'b'])).toEqual({ triedZones: unplaced.triedZones });
    expect(nextZoneStep(unplaced, SCARCE, ['b'])).toBeUndefined();
    expect(nextZoneStep(unplaced, { ...SCARCE, scope: 'site' }, ['a', 'b'])).toBeUndefined();
  });

  it('an instance goes back alone to a zone that refused a call for several machines', () => {
    expect(nextZoneStep(record, SCARCE, ['a', 'b'])?.callLimit).toBe(1);
    expect(nextZoneStep({ ...record, triedZones: [] }, { ...SCARCE, machines: 3 }, ['a'])?.callLimit).toBe(1);
  });

  it('no other zone is tried after a failure that does not concern the zone', () => {
    for (const failure of [
      { code: 'QuotaExceeded', message: '' },
      { code: 'Unsupported', message: '' },
      { ...SCARCE, scope: 'site' as const },
    ])
      expect(nextZoneStep(record, failure, ['a', 'b', 'c'])).toBeUndefined();
    expect(
      nextZoneStep(record, { code: 'Unsupported', message: '', scope: 'zone' }, ['a', 'b', 'c']),
    ).toBeDefined();
    expect(nextZoneStep(record, SCARCE, undefined)).toBeUndefined();
  });
});

describe('an attempt in another zone', () => {
  let fleet: OneFleet;
  const open = async (options: Parameters<typeof OneFleet.open>[0] = {}) => {
    fleet = await OneFleet.open({ zones: ['a', 'b'], ...options });
  };
  /** Returns the zone that the first launch chooses, and the other one. */
  const zonesInOrder = async (): Promise<[string, string]> => {
    await open();
    await fleet.handle(launchOf(0));
    const { zone = '' } = await fleet.claimed();
    fleet.end();
    return zone === 'east-a' ? ['east-a', 'east-b'] : ['east-b', 'east-a'];
  };
  beforeEach(() => open());
  afterEach(() => fleet.end());

  it('a claim stores the chosen zone, and the create call names the zone and its subnet', async () => {
    await fleet.handle(launchOf(0));
    const { zone } = await fleet.claimed();
    expect(zone).toMatch(/^east-[ab]$/);
    expect(fleet.cloud.made).toMatchObject([{ zone, subnetBackendId: `subnet-${zone}` }]);
  });

  it('a refused instance gets another launch token, keeps its slot, and is launched in the other zone', async () => {
    const [full, other] = await zonesInOrder();
    await open();
    fleet.cloud.room.set(full, 0);
    await fleet.handle(launchOf(0));
    expect(await fleet.record()).toMatchObject({
      status: 'Planned',
      location: 'east',
      tried: [],
      triedZones: [{ zone: full, machines: 1 }],
      earlierAttempts: [{ launchToken: `${idOf(0)}.1`, location: 'east' }],
    });
    expect(fleet.history).not.toContain('slot 0 returned');
    expect(fleet.sent('launch')).toEqual([launchOf(0)]);
    expect(await fleet.counts('east')).toEqual({ Planned: 1 });
    await fleet.handle(launchOf(0));
    expect(fleet.cloud.made).toMatchObject([{ zone: other, launchToken: `${idOf(0)}.2` }]);
  });

  it('an instance fails with the cloud’s message when no zone and no location is left', async () => {
    for (const zone of ['east-a', 'east-b']) fleet.cloud.room.set(zone, 0);
    fleet.send(launchOf(0), 0);
    await fleet.until(() => fleet.outcomes.size > 0);
    expect(await fleet.record()).toMatchObject({
      status: 'Failed',
      failure: { code: 'InsufficientCapacity' },
    });
    expect(fleet.history.filter((one) => one.startsWith('create'))).toHaveLength(2);
  });

  it('an instance moves to another location when no zone is left, and may use every zone there', async () => {
    fleet.end();
    await open({ locations: ['east', 'west'] });
    for (const zone of ['east-a', 'east-b', 'west-a']) fleet.cloud.room.set(zone, 0);
    fleet.send(launchOf(0), 0);
    await fleet.until(() => fleet.outcomes.size > 0);
    expect(fleet.cloud.made).toMatchObject([{ location: 'west', zone: 'west-b' }]);
    expect(await fleet.counts('west')).toEqual({ Running: 1 });
    expect(await fleet.counts('east')).toEqual({});
  });

  it('no further attempt follows when launching has stopped, and the instance fails', async () => {
    await fleet.handle(launchOf(0));
    await fleet.stopLaunching('paused', 'east');
    expect(await attemptElsewhere(fleet.worker.context, await fleet.claimed(), SCARCE)).toBeDefined();
  });

  it('a worker changes nothing if the record changed after the worker’s read', async () => {
    await fleet.handle(launchOf(0));
    const record = await fleet.claimed();
    await updateInstance(fleet.store, record, { claimUntilMs: 1 });
    expect(await attemptElsewhere(fleet.worker.context, record, SCARCE)).toBeUndefined();
    expect(await fleet.record()).toMatchObject({ status: 'Creating', claimUntilMs: 1 });
  });

  it('hasElsewhere is true as long as a zone is left', async () => {
    await fleet.handle(launchOf(0));
    const record = await fleet.claimed();
    const { context } = fleet.worker;
    expect(await hasElsewhere(context, record, SCARCE)).toBe(true);
    const other = record.zone === 'east-a' ? 'east-b' : 'east-a';
    const tried = { ...record, triedZones: [{ zone: other, machines: 1 }] };
    expect(await hasElsewhere(context, tried, SCARCE)).toBe(false);
  });

  it('many instances go round the full zone after its first refusal', async () => {
    fleet.end();
    await open({ size: 30, zones: ['a', 'b', 'c'] });
    fleet.cloud.room.set('east-a', 0);
    for (let index = 0; index < 30; index += 1) fleet.send(launchOf(index), index * 1_000);
    await fleet.until(() => fleet.outcomes.size > 0);
    expect([...fleet.outcomes.values()]).toEqual(['Settled']);
    const inZone = (zone: string) => fleet.cloud.made.filter((one) => one.zone === zone).length;
    expect(['east-a', 'east-b', 'east-c'].map(inZone)).toEqual([0, 15, 15]);
    expect(fleet.history.filter((one) => one.startsWith('create')).length).toBeLessThanOrEqual(32);
  });

  it('if the worker dies at any step, the instance gets one machine in the other zone, and its slot is given back', async () => {
    const [full] = await zonesInOrder();
    for (let at = 1; at <= 22; at += 1) {
      await open();
      fleet.cloud.bootMs = 500;
      fleet.cloud.room.set(full, 0);
      fleet.send(launchOf(0), 0);
      await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
      await fleet.until(async () => fleet.outcomes.size > 0 && (await fleet.holders('east')).length === 0);
      expect([...fleet.outcomes], `died at step ${at}`).toEqual([['await', 'Settled']]);
      expect(fleet.cloud.made).toHaveLength(1);
      expect(await fleet.counts('east')).toEqual({ Running: 1 });
      fleet.end();
    }
    await open();
  });

  it('a poll sends the launch message if the worker that prepared the attempt died before it sent it', async () => {
    const [full, other] = await zonesInOrder();
    await open();
    fleet.cloud.room.set(full, 0);
    fleet.send(launchOf(0), 0);
    await fleet.deliverNext(fleet.makeWorker({ at: /^send .*launch/, does: 'die' }));
    fleet.queue = fleet.queue.filter(({ message }) => message.kind !== 'launch');
    await fleet.until(() => fleet.outcomes.size > 0);
    expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
    expect(fleet.cloud.made).toMatchObject([{ zone: other }]);
    expect(fleet.nowMs).toBeLessThan(NOON + 300_000);
  });

  it('an instance that has moved from another location begins with all zones of the new one', async () => {
    fleet.end();
    await open({ locations: ['east', 'west'] });
    await fleet.handle(launchOf(0));
    const record = { ...(await fleet.claimed()), triedZones: [{ zone: 'east-b', machines: 1 }] };
    const other = record.zone === 'east-b' ? { ...record, zone: 'east-a' } : record;
    fleet.putRecord(other);
    expect(await attemptElsewhere(fleet.worker.context, other, { ...SCARCE, scope: 'site' })).toBeUndefined();
    expect(await fleet.record()).toMatchObject({ location: 'west', tried: ['east'], triedZones: [] });
    expect(fleet.sent('launch')).toEqual([launchOf(0, WEST)]);
  });
});
