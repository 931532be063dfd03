import { describe, expect, test } from 'vitest';
import { LOCATION, simConfig, VirtualClouds } from './virtual-clouds.ts';

const [first = '', second = ''] = simConfig().clouds['aws']?.locations[LOCATION]?.zones ?? [];

function withRoom(zoneCapacity: Record<string, number>): VirtualClouds {
  return new VirtualClouds({ clouds: { aws: { locations: { [LOCATION]: { zoneCapacity } } } } });
}

describe('zones of the simulated clouds', () => {
  test('a network names the zones of its location', () => {
    const clouds = new VirtualClouds();
    const input = { name: 'net', tags: {} };
    const { body } = clouds.call({ call: 'ensure', location: LOCATION, kind: 'network', input });
    expect(body['zones']).toEqual(simConfig().clouds['aws']?.locations[LOCATION]?.zones);
  });

  test('a create in a zone without capacity is refused, and other zones accept creates', () => {
    const clouds = withRoom({ [first]: 1 });
    expect(clouds.create(LOCATION, { zone: first }).status).toBe(201);
    const refused = clouds.create(LOCATION, { zone: first });
    expect(refused).toMatchObject({ status: 409, body: { code: 'InsufficientCapacity' } });
    expect(String(refused.body['message'])).toContain(first);
    expect(clouds.create(LOCATION, { zone: second }).status).toBe(201);
  });

  test('a zone has capacity again when an instance in it is terminated', () => {
    const clouds = withRoom({ [first]: 1 });
    const { body } = clouds.create(LOCATION, { zone: first });
    clouds.wait(20);
    clouds.terminate(body['id']);
    clouds.wait(10);
    expect(clouds.create(LOCATION, { zone: first }).status).toBe(201);
  });

  test('a fault with a zone hits only creates in this zone', () => {
    const clouds = new VirtualClouds();
    clouds.fault({ kind: 'capacity', zone: first });
    expect(clouds.create(LOCATION, { zone: first }).status).toBe(409);
    expect(clouds.create(LOCATION, { zone: second }).status).toBe(201);
    clouds.wait(1);
    expect(clouds.list()).toHaveLength(1);
  });
});
