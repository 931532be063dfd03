import { afterEach, describe, expect, it } from 'vitest';
import { readFleet } from '../../../../functions/features/fleets/fleet-view.ts';
import type { NodeGroup } from '../../../../functions/model/fleet.ts';
import { FLEET, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

/** As at EC2, which reports spot prices, and no prices on demand. */
const SPOT_PRICES: Partial<NodeGroup> = {
  markets: ['spot', 'on-demand'],
  pricesUsdPerHour: {},
  spotPricesUsdPerHour: { east: 0.03 },
};

describe('a fleet whose prices are known in part', () => {
  let fleet: OneFleet;
  const launch = async (size: number, group: Partial<NodeGroup>, room?: number) => {
    fleet = await OneFleet.open({ size, zones: ['a'], group });
    if (room !== undefined) fleet.cloud.room.set('spot', room);
    for (let index = 0; index < size; index += 1) fleet.send(launchOf(index), 0);
    await fleet.until(async () => (await fleet.launchOutcomes()).length >= size);
  };
  const view = async () => {
    const shown = await readFleet(fleet.store, 'default', FLEET);
    const { usdPerHour, unpricedInstances, uncostedInstances, unpricedDisks } = shown ?? {};
    return { usdPerHour, unpricedInstances, uncostedInstances, unpricedDisks };
  };
  afterEach(() => fleet.end());

  it('does not count a spot machine whose price is known, and counts each machine on demand', async () => {
    await launch(3, SPOT_PRICES, 2);
    expect(fleet.cloud.made.map(({ market }) => market).toSorted()).toEqual(['on-demand', 'spot', 'spot']);
    expect(await view()).toEqual({
      usdPerHour: 0.06,
      unpricedInstances: 1,
      uncostedInstances: 1,
      unpricedDisks: undefined,
    });
  });

  it('counts no machine if all are spot machines of known price', async () => {
    await launch(2, SPOT_PRICES);
    expect(await view()).toMatchObject({ usdPerHour: 0.06, unpricedInstances: 0, uncostedInstances: 0 });
  });

  it('counts the disks whose price is not known, of machines that run', async () => {
    const disksPrices = { east: { usdPerHour: 0.01, unpriced: 2 } };
    await launch(2, { pricesUsdPerHour: { east: 0.1 }, disksPrices });
    expect(await view()).toEqual({
      usdPerHour: 0.22,
      unpricedInstances: 0,
      uncostedInstances: 0,
      unpricedDisks: 4,
    });
  });
});
