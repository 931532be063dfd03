import { describe, expect, it } from 'vitest';
import {
  checkMarkets,
  type GroupMarkets,
  resolveMarkets,
  warnOfUnknownPrices,
} from '../../../../functions/features/fleets/check-markets.ts';
import { fleetRequestSchema } from '../../../../functions/model/fleet-request.ts';
import { onDemandLimit } from '../../../../functions/model/market.ts';

const GROUP = '/nodeGroups/0';
const told = (found: readonly { pointer: string; code: string }[]) =>
  found.map(({ pointer, code }) => `${pointer.slice(GROUP.length)} ${code}`);

describe('the schema of a fleet', () => {
  const issuesOf = (fields: Record<string, unknown>) => {
    const group = {
      name: 'web',
      size: 4,
      connection: 'main',
      locations: ['east'],
      instanceType: 'm6i',
      image: 'os',
    };
    const { error } = fleetRequestSchema.safeParse({ name: 'shop', nodeGroups: [{ ...group, ...fields }] });
    return (error?.issues ?? []).map(({ path }) => path.slice(2).join('/'));
  };

  it.each([
    [{ markets: ['spot'] }],
    [{ markets: ['reserved', 'spot', 'on-demand'], reservationId: 'cr-1', maxOnDemandPercent: 0 }],
    [{ markets: ['spot', 'reserved', 'on-demand'], reservationId: 'cr-1', maxOnDemandPercent: 100 }],
    [{ maxUsdPerHour: 0.9 }],
  ])('accepts %j', (fields) => {
    expect(issuesOf(fields)).toEqual([]);
  });

  it.each([
    [{ markets: [] }, 'markets'],
    [{ markets: ['spot', 'spot'] }, 'markets'],
    [{ markets: ['cheap'] }, 'markets/0'],
    [{ markets: ['reserved'] }, 'reservationId'],
    [{ reservationId: 'cr-1' }, 'reservationId'],
    [{ markets: ['spot'], reservationId: 'cr-1' }, 'reservationId'],
    [{ maxOnDemandPercent: 50 }, 'maxOnDemandPercent'],
    [{ markets: ['spot'], maxOnDemandPercent: 50 }, 'maxOnDemandPercent'],
    [{ markets: ['on-demand', 'spot'], maxOnDemandPercent: 50 }, 'maxOnDemandPercent'],
    [{ markets: ['spot', 'on-demand'], maxOnDemandPercent: 101 }, 'maxOnDemandPercent'],
    [{ markets: ['spot', 'on-demand'], maxOnDemandPercent: -1 }, 'maxOnDemandPercent'],
    [{ markets: ['spot', 'on-demand'], maxOnDemandPercent: 12.5 }, 'maxOnDemandPercent'],
    [{ maxUsdPerHour: 0 }, 'maxUsdPerHour'],
  ])('refuses %j at %s', (fields, path) => {
    expect(issuesOf(fields)).toEqual([path]);
  });

  it('the most on-demand instances are a share of the size, rounded down', () => {
    const markets = ['spot' as const, 'on-demand' as const];
    const of = (size: number, maxOnDemandPercent?: number) =>
      onDemandLimit({ size, markets, maxOnDemandPercent });
    expect([of(7, 50), of(100, 29), of(10_000, 57), of(3, 0), of(3, 33)]).toEqual([3, 29, 5_700, 0, 0]);
    expect([of(7), of(7, 100), onDemandLimit({ size: 7, maxOnDemandPercent: 50 })]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('checkMarkets', () => {
  it('refuses each market that the driver does not have, and no on-demand', () => {
    const markets = ['spot', 'on-demand', 'reserved'] as const;
    const without = { title: 'OpenStack', capabilities: [] };
    expect(told(checkMarkets(GROUP, { markets: [...markets] }, without))).toEqual([
      '/markets/0 unsupported',
      '/markets/2 unsupported',
    ]);
    expect(checkMarkets(GROUP, {}, without)).toEqual([]);
    expect(checkMarkets(GROUP, { markets: [...markets] }, { ...without, capabilities: ['markets'] })).toEqual(
      [],
    );
  });
});

describe('resolveMarkets', () => {
  const TYPE = {
    instanceType: 'm6i',
    pricesUsdPerHour: { east: 0.1, west: 0.2 },
    spotPricesUsdPerHour: { east: 0.03 },
  };
  const resolve = (
    markets: GroupMarkets,
    locations = ['east', 'west'],
    type: typeof TYPE | object = TYPE,
  ) => {
    const answer = resolveMarkets(GROUP, { ...TYPE, ...type }, markets, locations);
    return { ...answer, errors: told(answer.errors), warnings: told(answer.warnings) };
  };

  it('says nothing of a group that asks for nothing special', () => {
    expect(resolve({})).toEqual({ errors: [], warnings: [], locations: ['east', 'west'] });
  });

  it('refuses spot where no location offers a type as spot, and a location without spot where there is nothing else', () => {
    expect(resolve({ markets: ['on-demand', 'spot'] }, ['west']).errors).toEqual(['/markets/1 not-offered']);
    expect(resolve({ markets: ['spot'] }).errors).toEqual(['/markets not-offered']);
    expect(resolve({ markets: ['spot', 'on-demand'] })).toMatchObject({
      errors: [],
      locations: ['east', 'west'],
    });
  });

  it('refuses a price below every known offer, and says the lowest', () => {
    const { errors } = resolveMarkets(GROUP, TYPE, { maxUsdPerHour: 0.09 }, ['east', 'west']);
    expect(told(errors)).toEqual(['/maxUsdPerHour below-every-offer']);
    expect(errors[0]?.message).toContain('0.1 USD per hour (m6i in east)');
    const cheap = { markets: ['spot' as const, 'on-demand' as const], maxUsdPerHour: 0.02 };
    expect(resolveMarkets(GROUP, TYPE, cheap, ['east', 'west']).errors[0]?.message).toContain(
      '0.03 USD per hour (m6i as spot in east)',
    );
    expect(resolve({ maxUsdPerHour: 0.09 }, ['east'], { pricesUsdPerHour: {} }).errors).toEqual([]);
  });

  it('leaves out a location where everything costs more, with a warning', () => {
    expect(resolve({ maxUsdPerHour: 0.1 })).toEqual({
      errors: [],
      warnings: ['/maxUsdPerHour location-too-expensive'],
      locations: ['east'],
    });
  });

  it('leaves out a location without spot machines if the group limits machines on demand', () => {
    const limited: GroupMarkets = { size: 4, markets: ['spot', 'on-demand'], maxOnDemandPercent: 50 };
    expect(resolve(limited)).toEqual({
      errors: [],
      warnings: ['/maxOnDemandPercent location-without-spot'],
      locations: ['east'],
    });
    expect(resolve({ ...limited, maxOnDemandPercent: 100 }).locations).toEqual(['east', 'west']);
  });

  it('warns that the price does not hold where it is not known', () => {
    const group = { ...TYPE, pricesUsdPerHour: { east: 0.1 }, locations: ['east', 'west'] };
    expect(warnOfUnknownPrices(GROUP, group)).toEqual([]);
    expect(told(warnOfUnknownPrices(GROUP, { ...group, maxUsdPerHour: 1 }))).toEqual([
      '/maxUsdPerHour price-unknown',
    ]);
  });
});
