import { describe, expect, test } from 'vitest';
import { LOCATION, simConfig, VirtualClouds } from './virtual-clouds.ts';

const [first = '', second = ''] = simConfig().clouds['aws']?.locations[LOCATION]?.zones ?? [];
const at = (location: object, cloud: object = {}) =>
  new VirtualClouds({ clouds: { aws: { ...cloud, locations: { [LOCATION]: location } } } });
const codeOf = (clouds: VirtualClouds, over: Parameters<VirtualClouds['create']>[1]) => {
  const { status, body } = clouds.create(LOCATION, over);
  return status === 201 ? 'made' : `${status} ${body['code']}`;
};

describe('the spot market of a simulated cloud', () => {
  test('has a lower price for each type with a price, unless the cloud has no spot market', () => {
    const offersOf = (clouds: VirtualClouds) =>
      clouds.call({ call: 'offers', location: LOCATION, page: {} }).body.items ?? [];
    const priced = offersOf(new VirtualClouds()).filter(({ usdPerHour }) => usdPerHour !== undefined);
    expect(priced.length).toBeGreaterThan(0);
    for (const { usdPerHour, spotUsdPerHour } of priced)
      expect(Number(spotUsdPerHour)).toBeLessThan(Number(usdPerHour));
    const without = at({}, { spot: null });
    expect(offersOf(without).every(({ spotUsdPerHour }) => spotUsdPerHour === undefined)).toBe(true);
    expect(codeOf(without, { market: 'spot' })).toBe('400 InvalidParameter');
  });

  test('has a capacity of its own in each zone', () => {
    const clouds = at({ zoneCapacity: { [first]: 1 }, zoneSpotCapacity: { [first]: 1, [second]: 0 } });
    expect(codeOf(clouds, { market: 'spot', zone: second })).toBe('409 InsufficientCapacity');
    for (const market of [undefined, 'spot'] as const) {
      const over = { zone: first, ...(market === undefined ? {} : { market }) };
      expect(codeOf(clouds, over)).toBe('made');
      expect(codeOf(clouds, over)).toBe('409 InsufficientCapacity');
    }
  });

  test('has a quota of its own, if the config says so', () => {
    const clouds = at({ instanceQuota: 1 }, { spot: { instanceQuota: 1 } });
    expect(codeOf(clouds, { market: 'spot' })).toBe('made');
    expect(clouds.create(LOCATION, { market: 'spot' }).body['message']).toContain('is 1 spot instances');
    expect(codeOf(clouds, {})).toBe('made');
    expect(codeOf(clouds, {})).toBe('403 QuotaExceeded');
  });

  test('refuses a highest price below its price', () => {
    const clouds = new VirtualClouds();
    expect(codeOf(clouds, { market: 'spot', maxUsdPerHour: 0.000_1 })).toBe('409 SpotPriceTooLow');
    expect(codeOf(clouds, { market: 'spot', maxUsdPerHour: 100 })).toBe('made');
  });

  test('does not stop its machines', () => {
    const clouds = new VirtualClouds();
    const { body } = clouds.create(LOCATION, { market: 'spot' });
    clouds.wait(60);
    const stopped = clouds.call({ call: 'stop', location: LOCATION, backendId: String(body['id']) });
    expect(stopped).toMatchObject({ status: 400, body: { code: 'UnsupportedOperation' } });
  });

  test('a fault with a market hits only creates in this market', () => {
    const clouds = new VirtualClouds();
    clouds.fault({ kind: 'capacity', market: 'spot' });
    expect(codeOf(clouds, { market: 'spot' })).toBe('409 InsufficientCapacity');
    expect(codeOf(clouds, {})).toBe('made');
  });

  test('the fault `interrupt` takes spot machines back, and the cloud shows the reason by id also afterwards', () => {
    const clouds = new VirtualClouds();
    const spot = clouds.create(LOCATION, { market: 'spot' }).body['id'];
    const other = clouds.create(LOCATION).body['id'];
    clouds.wait(60);
    clouds.fault({ kind: 'interrupt', count: 5 });
    const shown = clouds.list().find(({ id }) => id === spot);
    expect(shown).toMatchObject({ status: 'Terminating', interrupted: true, market: 'spot' });
    for (const seconds of [30, 3_600]) {
      clouds.wait(seconds);
      expect(clouds.list().map(({ id }) => id)).toEqual([other]);
      const { body } = clouds.call({ call: 'get', location: LOCATION, backendId: String(spot) });
      expect(body).toMatchObject({ status: 'Terminated', interrupted: true });
      expect(body['failureMessage']).toContain('instance-terminated-no-capacity');
    }
  });
});

describe('a reservation of a simulated cloud', () => {
  const reservations = { 'cr-1': { instanceType: 'm6i.large', zone: second, count: 1 } };
  const reserved = { market: 'reserved', reservationId: 'cr-1' } as const;

  test('has its number of machines of its type in its zone, also where the zone is full', () => {
    const clouds = at({ reservations, zoneCapacity: { [second]: 0 } });
    const { body } = clouds.create(LOCATION, reserved);
    expect(body).toMatchObject({ zone: second, market: 'reserved' });
    expect(codeOf(clouds, reserved)).toBe('409 InsufficientCapacity');
    expect(codeOf(clouds, { ...reserved, zone: first })).toBe('409 InsufficientCapacity');
    expect(codeOf(clouds, { ...reserved, reservationId: 'cr-2' })).toBe('400 UnknownReservation');
    const items = clouds.call({ call: 'listReservations', location: LOCATION }).body.items;
    expect(items).toEqual([{ id: 'cr-1', instanceType: 'm6i.large', zone: second, count: 1 }]);
  });

  test('is for one type only', () => {
    const clouds = at({ reservations: { 'cr-1': { instanceType: 't3.micro', zone: second, count: 1 } } });
    expect(codeOf(clouds, reserved)).toBe('400 ReservationMismatch');
  });
});
