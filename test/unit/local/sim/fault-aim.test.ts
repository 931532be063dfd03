import { describe, expect, test } from 'vitest';
import { LOCATION, VirtualClouds } from './virtual-clouds.ts';

describe('the scope of a fault', () => {
  const verify = (clouds: VirtualClouds) => clouds.call({ call: 'verify' }).status;
  const listStatus = (clouds: VirtualClouds, location = LOCATION) =>
    clouds.call({ call: 'list', location, tags: {}, page: {} }).status;

  test('a fault applies only to its cloud, connection, location and call; a field that is * or absent matches all', () => {
    const clouds = new VirtualClouds();
    clouds.fault({ kind: 'error', cloud: 'azure' });
    clouds.fault({ kind: 'error', connection: 'another' });
    clouds.fault({ kind: 'error', location: 'us-east-2', call: 'list' });
    clouds.fault({ kind: 'error', cloud: 'aws', location: 'us-west-2', call: '*' });
    expect(verify(clouds)).toBe(200);
    expect(listStatus(clouds)).toBe(200);
    expect(listStatus(clouds, 'us-east-2')).toBe(500);
    expect(listStatus(clouds, 'us-west-2')).toBe(500);
    expect(clouds.terminate('i-none', 'us-east-2').status).toBe(404);
    expect(clouds.terminate('i-none', 'us-west-2').status).toBe(500);
    clouds.account = 'another';
    expect(verify(clouds)).toBe(500);
  });

  test('a fault with call `mutate` applies to every call under the mutate rate limit, and not to creates', () => {
    const clouds = new VirtualClouds();
    clouds.createOperation();
    clouds.fault({ kind: 'error', call: 'mutate' });
    expect(clouds.terminate('i-none').status).toBe(500);
    expect(
      clouds.call({ call: 'deleteResource', location: LOCATION, kind: 'network', backendId: 'x' }).status,
    ).toBe(500);
    expect(clouds.create().status).toBe(201);
  });

  test('a fault ends after `forSeconds` seconds or after `count` affected calls', () => {
    const clouds = new VirtualClouds();
    clouds.fault({ kind: 'error', call: 'verify', forSeconds: 10 });
    clouds.wait(9.9);
    expect(verify(clouds)).toBe(500);
    clouds.wait(0.1);
    expect(verify(clouds)).toBe(200);
    clouds.fault({ kind: 'error', call: 'verify', count: 2 });
    expect([1, 2, 3].map(() => verify(clouds))).toEqual([500, 500, 200]);
  });

  test('a fault with a probability affects that share of calls, and the same calls for the same seed', () => {
    const struck = (seed: number) => {
      const clouds = new VirtualClouds({}, { seed });
      clouds.fault({ kind: 'error', call: 'verify', probability: 0.3 });
      return Array.from({ length: 500 }, () => verify(clouds));
    };
    const first = struck(5);
    const share = first.filter((status) => status === 500).length / first.length;
    expect(share).toBeGreaterThan(0.22);
    expect(share).toBeLessThan(0.38);
    expect(struck(5)).toEqual(first);
    expect(struck(6)).not.toEqual(first);
  });

  test('a fault of the config applies from the start, and again after a reset', () => {
    const clouds = new VirtualClouds({ faults: [{ kind: 'error', call: 'verify', count: 1 }] });
    expect([verify(clouds), verify(clouds)]).toEqual([500, 200]);
    clouds.engine.reset();
    expect([verify(clouds), verify(clouds)]).toEqual([500, 200]);
  });
});
