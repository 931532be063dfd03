import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { attemptElsewhere } from '../../../../functions/features/instances/attempt-elsewhere.ts';
import { concernsType, nextTypeStep } from '../../../../functions/features/instances/types.ts';
import type { NodeGroup } from '../../../../functions/model/fleet.ts';
import { readSiteState } from '../../../../functions/platform/governor/hold-location.ts';
import { EAST, idOf, launchOf, NOON, OneFleet } from '../one-fleet/one-fleet.ts';

const SCARCE = { code: 'InsufficientCapacity', message: 'none left' };
const TYPES = [
  { name: 'm7i.large', pricesUsdPerHour: { east: 0.2, west: 0.2 } },
  { name: 'm6i.large', vcpus: 4, pricesUsdPerHour: { east: 0.3, west: 0.3 } },
] as const;

describe('concernsType', () => {
  it.each([
    [SCARCE, true],
    [{ code: 'Unsupported', message: '' }, true],
    [{ code: 'Forbidden', message: '' }, true],
    [{ code: 'Forbidden', message: '', scope: 'launch' as const }, false],
    [{ code: 'QuotaExceeded', message: '' }, true],
    [{ code: 'QuotaExceeded', message: '', quotaOf: 'vcpus' as const }, true],
    [{ code: 'QuotaExceeded', message: '', quotaOf: 'instances' as const }, false],
    [{ code: 'InvalidRequest', message: '' }, false],
    [{ code: 'Unavailable', message: '' }, false],
  ])('another type may help after %j: %s', (failure, helps) => {
    expect(concernsType(failure)).toBe(helps);
  });
});

it('a quota that the accepted machine exceeded decides whether another type is tried', () => {
  const group: NodeGroup = new TypedFleet().group;
  const record = { location: 'east', instanceType: 'm7i.large' };
  const failure = { code: 'QuotaExceeded', message: '' };
  expect(nextTypeStep(group, { ...record, exceededQuota: { of: 'vcpus' } }, failure)).toMatchObject({
    instanceType: 'm6i.large',
    triedTypes: ['m7i.large'],
  });
  expect(nextTypeStep(group, { ...record, exceededQuota: { of: 'instances' } }, failure)).toBeUndefined();
});

/** A node group with two types. */
class TypedFleet {
  readonly group: NodeGroup = {
    name: 'web',
    size: 1,
    connection: 'cloud',
    driver: 'sim',
    cloud: 'aws',
    locations: ['east'],
    instanceType: 'm7i.large',
    types: TYPES.map((type) => ({ vcpus: 2, gpus: 0, memoryGb: 8, ...type })),
    image: 'ubuntu',
    imageBackendIds: {},
    pricesUsdPerHour: {},
  };
}

describe('an attempt with another type', () => {
  let fleet: OneFleet;
  const open = async (options: Parameters<typeof OneFleet.open>[0] = {}) => {
    fleet = await OneFleet.open({ zones: ['a', 'b'], types: TYPES, ...options });
  };
  const run = async () => {
    fleet.send(launchOf(0), 0);
    await fleet.until(() => fleet.outcomes.size > 0);
  };
  const creates = () => fleet.history.filter((one) => one.startsWith('create'));
  beforeEach(() => open());
  afterEach(() => fleet.end());

  it('the first attempt has the first type, with its price', async () => {
    await fleet.handle(launchOf(0));
    expect(await fleet.claimed()).toMatchObject({ instanceType: 'm7i.large', microUsdPerHour: 200_000 });
    expect(fleet.cloud.made).toMatchObject([{ instanceType: 'm7i.large' }]);
  });

  it('an instance tries all zones with the first type, and then any zone with the next type', async () => {
    fleet.cloud.room.set('m7i.large', 0);
    await run();
    expect(creates()).toHaveLength(3);
    expect(fleet.cloud.made).toMatchObject([{ instanceType: 'm6i.large', launchToken: `${idOf(0)}.3` }]);
    expect(await fleet.record()).toMatchObject({
      status: 'Running',
      instanceType: 'm6i.large',
      triedTypes: ['m7i.large'],
      triedZones: [],
      microUsdPerHour: 300_000,
      earlierAttempts: [{ launchToken: `${idOf(0)}.1` }, { launchToken: `${idOf(0)}.2` }],
    });
    expect(await fleet.counts('east')).toEqual({ Running: 1 });
  });

  it('an instance leaves a location after its last type, and begins with the first type elsewhere', async () => {
    fleet.end();
    await open({ locations: ['east', 'west'] });
    for (const zone of ['east-a', 'east-b']) fleet.cloud.room.set(zone, 0);
    await run();
    expect(creates()).toHaveLength(5);
    expect(fleet.cloud.made).toMatchObject([{ location: 'west', instanceType: 'm7i.large' }]);
    expect((await fleet.claimed()).triedTypes).toBeUndefined();
  });

  it('a type that the location does not offer is left out', async () => {
    fleet.end();
    await open({ types: [{ ...TYPES[0], notOfferedIn: ['east'] }, TYPES[1]] });
    await run();
    expect(creates()).toHaveLength(1);
    expect(fleet.cloud.made).toMatchObject([{ instanceType: 'm6i.large' }]);
  });

  it('a type that the cloud does not support is followed by the next type, in one location', async () => {
    fleet.cloud.meet = (call) => {
      if (call === `create ${idOf(0)}.1`) throw new DriverError('Unsupported', 'not with this image');
    };
    await run();
    expect(fleet.cloud.made).toMatchObject([{ instanceType: 'm6i.large' }]);
  });

  it('an instance goes to another location if its last type is unsupported after the first had no capacity', async () => {
    fleet.end();
    await open({ locations: ['east', 'west'] });
    fleet.cloud.meet = (call) => {
      if (call === `create ${idOf(0)}.1` || call === `create ${idOf(0)}.2`)
        throw new DriverError('InsufficientCapacity', 'none left');
      if (call === `create ${idOf(0)}.3`) throw new DriverError('Unsupported', 'not with this image');
    };
    await run();
    expect(fleet.cloud.made).toMatchObject([{ location: 'west', instanceType: 'm7i.large' }]);
  });

  it('a quota of all instances leads to no other type', async () => {
    fleet.cloud.meet = (call) => {
      if (call.startsWith('create'))
        throw new DriverError('QuotaExceeded', 'too many', { quota: { of: 'instances', limit: 0 } });
    };
    await run();
    expect(creates()).toHaveLength(1);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure: { code: 'QuotaExceeded' } });
  });

  it('a quota of one family closes that family only, and the next type runs', async () => {
    fleet.cloud.meet = (call) => {
      if (call === `create ${idOf(0)}.1`)
        throw new DriverError('QuotaExceeded', 'no m7i', { quota: { of: 'family' } });
    };
    await run();
    expect(fleet.cloud.made).toMatchObject([{ instanceType: 'm6i.large' }]);
    expect(Object.keys((await readSiteState(fleet.store, EAST))?.closed ?? {})).toEqual(['m7i']);
  });

  it('later launches leave a type that is known to have no capacity without a call', async () => {
    fleet.end();
    await open({ size: 20 });
    fleet.cloud.room.set('m7i.large', 0);
    for (let index = 0; index < 20; index += 1) fleet.send(launchOf(index), 30_000 + index * 100);
    await fleet.until(() => fleet.outcomes.size > 0);
    expect([...fleet.outcomes.values()]).toEqual(['Settled']);
    expect(new Set(fleet.cloud.made.map(({ instanceType }) => instanceType))).toEqual(new Set(['m6i.large']));
    expect(creates().length).toBeLessThanOrEqual(24);
  });

  it('an instance fails with the cloud’s message when no type, zone and location is left', async () => {
    for (const zone of ['east-a', 'east-b']) fleet.cloud.room.set(zone, 0);
    await run();
    expect(creates()).toHaveLength(4);
    expect(await fleet.record()).toMatchObject({
      status: 'Failed',
      instanceType: 'm6i.large',
      failure: { code: 'InsufficientCapacity' },
    });
  });

  it('no attempt with another type follows when launching has stopped', async () => {
    fleet.end();
    await open({ zones: ['a'] });
    await fleet.handle(launchOf(0));
    await fleet.stopLaunching('paused', 'east');
    expect(await attemptElsewhere(fleet.worker.context, await fleet.claimed(), SCARCE)).toBeDefined();
  });

  it('if the worker dies at any step, the instance gets one machine of the next type, and its slot is given back', async () => {
    for (let at = 1; at <= 24; at += 1) {
      fleet.end();
      await open({ zones: ['a'] });
      fleet.cloud.bootMs = 500;
      fleet.cloud.room.set('m7i.large', 0);
      fleet.send(launchOf(0), 0);
      await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
      await fleet.until(async () => fleet.outcomes.size > 0 && (await fleet.holders('east')).length === 0);
      expect([...fleet.outcomes], `died at step ${at}`).toEqual([['await', 'Settled']]);
      expect(fleet.cloud.made).toMatchObject([{ instanceType: 'm6i.large' }]);
      expect(await fleet.record()).toMatchObject({ instanceType: 'm6i.large', microUsdPerHour: 300_000 });
      expect(await fleet.counts('east')).toEqual({ Running: 1 });
      expect(fleet.nowMs).toBeLessThan(NOON + 600_000);
    }
  });
});
