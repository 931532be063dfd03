import { afterEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { listInstances } from '../../../../functions/features/instances/instance-view.ts';
import type { NodeGroup } from '../../../../functions/model/fleet.ts';
import { readSiteState } from '../../../../functions/platform/governor/hold-location.ts';
import { readSeatsTaken } from '../../../../functions/platform/store/on-demand-seats.ts';
import { EAST, FLEET, idOf, launchOf, NOON, OneFleet, WEST } from '../one-fleet/one-fleet.ts';

const SPOT_FIRST: Partial<NodeGroup> = {
  markets: ['spot', 'on-demand'],
  pricesUsdPerHour: { east: 0.1, west: 0.1 },
  spotPricesUsdPerHour: { east: 0.03, west: 0.03 },
};

describe('markets', () => {
  let fleet: OneFleet;
  const open = async (options: Parameters<typeof OneFleet.open>[0] = {}) => {
    fleet = await OneFleet.open({ zones: ['a', 'b'], group: SPOT_FIRST, ...options });
  };
  const run = async (size = 1, spacingMs = 0) => {
    for (let index = 0; index < size; index += 1) fleet.send(launchOf(index), index * spacingMs);
    await fleet.until(async () => (await fleet.launchOutcomes()).length >= size);
  };
  const made = () => fleet.cloud.made.map(({ market }) => market);
  const outcomes = async () => (await fleet.launchOutcomes()).toSorted();
  const settled = async (count: number) => (await fleet.launchOutcomes()).length === count;
  const taken = () => readSeatsTaken(fleet.store, FLEET, 'web');
  afterEach(() => fleet.end());

  it('the first attempt is in the first market, with its price, and answers show the market', async () => {
    await open();
    await run();
    expect(made()).toEqual(['spot']);
    expect(await fleet.record()).toMatchObject({ market: 'spot', microUsdPerHour: 30_000 });
    const page = await listInstances(fleet.store, 'default', FLEET, { limit: 10 });
    expect(page?.items).toMatchObject([{ market: 'spot', status: 'Running' }]);
  });

  it('all zones are tried in a market before the next market, whose machine has its own price', async () => {
    await open();
    fleet.cloud.room.set('spot', 0);
    await run();
    expect(fleet.cloud.made).toMatchObject([{ market: 'on-demand', launchToken: `${idOf(0)}.3` }]);
    expect(await fleet.record()).toMatchObject({ market: 'on-demand', microUsdPerHour: 100_000 });
    expect(await taken()).toBe(0);
  });

  it('all types are tried in a market before the next market', async () => {
    const types = ['m7i.large', 'm6i.large'].map((name) => ({ name, ...pick(SPOT_FIRST) }));
    await open({ types, zones: ['a'] });
    fleet.cloud.room.set('spot m7i.large', 0);
    await run();
    expect(fleet.cloud.made).toMatchObject([{ market: 'spot', instanceType: 'm6i.large' }]);
    fleet.end();
    await open({ types, zones: ['a'] });
    fleet.cloud.room.set('spot', 0);
    await run();
    expect(fleet.cloud.made).toMatchObject([
      { market: 'on-demand', instanceType: 'm7i.large', launchToken: `${idOf(0)}.3` },
    ]);
  });

  it('a shortage of spot machines stops no launch on demand', async () => {
    await open();
    fleet.cloud.room.set('spot', 0);
    await run();
    const scarce = Object.keys((await readSiteState(fleet.store, EAST))?.scarce ?? {});
    expect(scarce.toSorted()).toEqual(['east-a m6i.large spot', 'east-b m6i.large spot']);
  });

  it('the quota of spot machines closes the spot market, and leads to no other type of it', async () => {
    const types = ['m7i.large', 'm6i.large'].map((name) => ({ name, ...pick(SPOT_FIRST) }));
    await open({ types });
    fleet.cloud.meet = (call) => {
      if (call === `create ${idOf(0)}.1`)
        throw new DriverError('QuotaExceeded', 'no more spot', { quota: { of: 'spot', limit: 0 } });
    };
    await run();
    expect(fleet.cloud.made).toMatchObject([{ market: 'on-demand', instanceType: 'm7i.large' }]);
    expect(Object.keys((await readSiteState(fleet.store, EAST))?.closed ?? {})).toEqual(['spot']);
  });

  it('an error about the whole market leads to the next market, in one location', async () => {
    await open({ group: { ...SPOT_FIRST, markets: ['reserved', 'on-demand'], reservationId: 'cr-1' } });
    fleet.cloud.meet = (call) => {
      if (call === `create ${idOf(0)}.1`)
        throw new DriverError('InvalidRequest', 'no such reservation', { scope: 'market' });
    };
    await run();
    expect(made()).toEqual(['on-demand']);
  });

  it('a denial of spot machines denies no machine on demand', async () => {
    await open();
    fleet.cloud.meet = (call) => {
      if (call === `create ${idOf(0)}.1`)
        throw new DriverError('Forbidden', 'no role for spot', { scope: 'market' });
    };
    await run();
    expect(made()).toEqual(['on-demand']);
    expect(Object.keys((await readSiteState(fleet.store, EAST))?.denied ?? {})).toEqual(['m6i.large spot']);
  });

  it('another location begins with the first market', async () => {
    await open({ locations: ['east', 'west'], zones: ['a'] });
    fleet.cloud.room.set('east-a', 0);
    await run();
    expect(fleet.cloud.made).toMatchObject([{ location: 'west', market: 'spot' }]);
  });

  describe('with maxOnDemandPercent', () => {
    const HALF = { ...SPOT_FIRST, maxOnDemandPercent: 50 };

    it('at most that share of the group, rounded down, is on demand, and the others fail without capacity', async () => {
      await open({ size: 5, group: HALF });
      fleet.cloud.room.set('spot', 0);
      await run(5);
      expect(made()).toEqual(['on-demand', 'on-demand']);
      expect(await outcomes()).toEqual(['Failed', 'Failed', 'Failed', 'Running', 'Running']);
      const records = await Promise.all([0, 1, 2, 3, 4].map((index) => fleet.claimed(index)));
      const failures = records.flatMap(({ failure }) => failure ?? []);
      expect(failures.map(({ code }) => code)).toEqual(
        Array.from({ length: 3 }, () => 'InsufficientCapacity'),
      );
      expect(failures[0]?.message).toContain('50 percent of the node group, which is 2');
      expect(await taken()).toBe(2);
    });

    it('what finds no spot machine of another cause also fails without capacity', async () => {
      await open({ group: HALF });
      fleet.cloud.meet = (call) => {
        if (call.startsWith('create'))
          throw new DriverError('QuotaExceeded', 'no more spot', { quota: { of: 'spot', limit: 0 } });
      };
      await run();
      expect(await fleet.record()).toMatchObject({
        status: 'Failed',
        failure: { code: 'InsufficientCapacity', message: expect.stringContaining('no more spot') },
      });
    });

    it('an instance without a seat goes on to the market after on-demand, and to another location', async () => {
      const markets: NodeGroup['markets'] = ['spot', 'on-demand', 'reserved'];
      await open({ group: { ...HALF, markets, reservationId: 'cr-1' }, zones: ['a'] });
      fleet.cloud.room.set('spot', 0);
      await run();
      expect(made()).toEqual(['reserved']);
      fleet.end();
      await open({ group: HALF, locations: ['east', 'west'], zones: ['a'] });
      fleet.cloud.room.set('spot east-a', 0);
      await run();
      expect(fleet.cloud.made).toMatchObject([{ location: 'west', market: 'spot' }]);
    });

    it('a seat is given back when the machine on demand does not come up, and another instance gets it', async () => {
      await open({ size: 2, group: HALF, zones: ['a'] });
      fleet.cloud.room.set('spot', 0);
      fleet.cloud.room.set('on-demand', 0);
      await run(1);
      expect(await outcomes()).toEqual(['Failed']);
      expect(await taken()).toBe(0);
      fleet.cloud.room.delete('on-demand');
      fleet.send(launchOf(1), 0);
      await fleet.until(() => settled(2));
      expect(made()).toEqual(['on-demand']);
      expect(await taken()).toBe(1);
    });

    it('an instance keeps one seat through all zones, types and calls of the market', async () => {
      const types = ['m7i.large', 'm6i.large'].map((name) => ({ name, ...pick(SPOT_FIRST) }));
      await open({ size: 2, group: HALF, types });
      fleet.cloud.room.set('spot', 0);
      for (const place of ['m7i.large', 'east-a']) fleet.cloud.room.set(`on-demand ${place}`, 0);
      await run(1);
      expect(fleet.cloud.made).toMatchObject([
        { market: 'on-demand', instanceType: 'm6i.large', zone: 'east-b' },
      ]);
      expect(await taken()).toBe(1);
    });

    it('a seat is given back when an instance leaves the location', async () => {
      await open({ size: 2, group: HALF, locations: ['east', 'west'], zones: ['a'] });
      fleet.cloud.room.set('east-a', 0);
      await run(1);
      expect(fleet.cloud.made).toMatchObject([{ location: 'west', market: 'spot' }]);
      expect(await taken()).toBe(0);
    });

    it('a lost machine gives its seat back, and a returning machine finds no seat that another has taken', async () => {
      await open({ size: 2, group: HALF, zones: ['a'] });
      fleet.cloud.room.set('spot', 0);
      await run(1);
      const [first] = fleet.cloud.made;
      fleet.cloud.vanish(first);
      fleet.nowMs += 60_000;
      await fleet.until(async () => (await fleet.record())?.status === 'Terminated');
      expect(await fleet.record()).toMatchObject({ status: 'Terminated', failure: { code: 'Vanished' } });
      expect(await taken()).toBe(0);
      fleet.send(launchOf(1), 0);
      await fleet.until(() => settled(2));
      expect(await taken()).toBe(1);
      delete first?.endedAtMs;
      fleet.nowMs += 60_000;
      await fleet.poll();
      await fleet.poll();
      expect(await fleet.record()).toMatchObject({ status: 'Terminated' });
      fleet.cloud.vanish(fleet.cloud.made[1]);
      await fleet.until(async () => (await fleet.record())?.status === 'Running');
      expect(await taken()).toBe(1);
    });

    it('many workers together never have more machines on demand than the limit', async () => {
      await open({ size: 12, group: { ...SPOT_FIRST, maxOnDemandPercent: 25 }, locations: ['east', 'west'] });
      fleet.cloud.room.set('spot', 2);
      const site = (index: number) => (index % 2 === 0 ? EAST : WEST);
      for (let index = 0; index < 12; index += 1) fleet.send(launchOf(index, site(index)), 0);
      await fleet.until(() => settled(12));
      expect(made().filter((market) => market === 'on-demand')).toHaveLength(3);
      expect(made().filter((market) => market === 'spot')).toHaveLength(2);
      expect(await taken()).toBe(3);
    });

    it('if a worker dies at any step, the seats that are taken are those of the instances on demand', async () => {
      for (let at = 1; at <= 40; at += 1) {
        if (at > 1) fleet.end();
        await open({ size: 2, group: HALF, zones: ['a'] });
        fleet.cloud.bootMs = 500;
        fleet.cloud.room.set('spot', 0);
        fleet.send(launchOf(0), 0);
        fleet.send(launchOf(1), 0);
        const dying = fleet.makeWorker({ at, does: 'die' });
        while (!dying.isDead && dying.steps < at && !(await settled(2))) await fleet.deliverNext(dying);
        await fleet.until(() => settled(2));
        expect(await outcomes(), `died at step ${at}`).toEqual(['Failed', 'Running']);
        expect(made(), `died at step ${at}`).toEqual(['on-demand']);
        expect(await taken(), `died at step ${at}`).toBe(1);
        expect(fleet.nowMs).toBeLessThan(NOON + 1_200_000);
      }
    });
  });

  describe('a spot machine that is taken back', () => {
    const REASON = 'instance-terminated-no-capacity: there is no spot capacity';

    it('is told so with the reason of the cloud, when it ran', async () => {
      await open();
      await run();
      fleet.cloud.interrupt(fleet.cloud.made[0], REASON);
      fleet.nowMs += 60_000;
      await fleet.until(async () => (await fleet.record())?.status === 'Terminated');
      expect(await fleet.record()).toMatchObject({ failure: { code: 'SpotInterrupted', message: REASON } });
      expect((await fleet.placement()).failureCounts).toMatchObject({ SpotInterrupted: 1 });
    });

    it('is replaced in another zone when it had not run yet, and its zone counts as short of spot machines', async () => {
      await open();
      await fleet.handle(launchOf(0));
      fleet.cloud.interrupt(fleet.cloud.made[0], REASON);
      await fleet.until(() => fleet.outcomes.size === 1);
      const [first, second] = fleet.cloud.made;
      expect(second).toMatchObject({ market: 'spot', launchToken: `${idOf(0)}.2` });
      expect(second?.zone).not.toBe(first?.zone);
      expect(Object.keys((await readSiteState(fleet.store, EAST))?.scarce ?? {})).toEqual([
        `${first?.zone} m6i.large spot`,
      ]);
    });
  });
});

const pick = ({ pricesUsdPerHour = {}, spotPricesUsdPerHour = {} }: Partial<NodeGroup>) => ({
  pricesUsdPerHour,
  spotPricesUsdPerHour,
});
