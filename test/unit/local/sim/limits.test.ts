import { describe, expect, test } from 'vitest';
import { LOCATION, VirtualClouds } from './virtual-clouds.ts';

const codesOf = (answers: { body: Record<string, unknown> }[]) =>
  answers.map(({ body }) => body['code'] ?? 'ok');

describe('call rates of the simulated clouds', () => {
  test('creates are allowed up to the burst, and after that one create every 0.2 seconds', () => {
    const clouds = new VirtualClouds({ clouds: { aws: { slots: { instancesPerLocation: 100 } } } });
    const burst = Array.from({ length: 22 }, () => clouds.create());
    expect(codesOf(burst)).toEqual([...Array(20).fill('ok'), 'RateLimited', 'RateLimited']);
    expect(burst[20]).toMatchObject({ status: 429, retryAfterMs: 200 });
    for (let n = 0; n < 10; n += 1) {
      clouds.wait(0.2);
      expect(codesOf([clouds.create(), clouds.create()])).toEqual(['ok', 'RateLimited']);
    }
    expect(clouds.books()).toMatchObject({
      throttled: 12,
      limitViolations: { create: 12 },
      calls: { create: 42 },
    });
  });

  test('lists and mutations have separate rate buckets, at each location and for each account', () => {
    const clouds = new VirtualClouds();
    const get = () => clouds.call({ call: 'get', location: LOCATION, backendId: 'i-none' }).status;
    expect(Array.from({ length: 12 }, get)).toEqual([...Array(10).fill(404), 429, 429]);
    const terminate = () => clouds.terminate('i-none').status;
    expect(Array.from({ length: 41 }, terminate)).toEqual([...Array(40).fill(404), 429]);
    expect(clouds.list('us-east-2')).toEqual([]);
    clouds.account = 'another';
    expect(clouds.list()).toEqual([]);
    clouds.account = 'acc';
    expect(clouds.books()).toMatchObject({ throttled: 3, limitViolations: { list: 2, mutate: 1 } });
  });

  test('a rate bucket allows no more calls than its burst, even after an hour without calls', () => {
    const clouds = new VirtualClouds();
    clouds.list();
    clouds.wait(3_600);
    const get = () => clouds.call({ call: 'get', location: LOCATION, backendId: 'i-none' }).status;
    expect(Array.from({ length: 11 }, get)).toEqual([...Array(10).fill(404), 429]);
  });
});

describe('slots of the simulated clouds', () => {
  test('an instance uses a slot from its acceptance until it runs', () => {
    const clouds = new VirtualClouds({ clouds: { aws: { slots: { instancesPerLocation: 2 } } } });
    const [first] = [clouds.create(), clouds.create()];
    expect(clouds.create()).toMatchObject({ status: 429, body: { code: 'TooManyPendingInstances' } });
    expect(clouds.create('us-east-2').status).toBe(201);
    clouds.wait(14.6);
    expect(clouds.statusOf(first?.body['id'])).toBe('Running');
    expect(clouds.create().status).toBe(201);
    expect(clouds.books()).toMatchObject({ throttled: 1, limitViolations: { instanceSlots: 1 } });
  });

  test('a slot is free again when its pending instance is terminated or fails', () => {
    const clouds = new VirtualClouds({ clouds: { aws: { slots: { instancesPerLocation: 1 } } } });
    const { body } = clouds.create();
    clouds.wait(1);
    clouds.terminate(body['id']);
    clouds.fault({ kind: 'bootFailure', count: 1 });
    const failing = clouds.create();
    expect(clouds.create().status).toBe(429);
    clouds.wait(14.6);
    expect(clouds.statusOf(failing.body['id'])).toBe('Failed');
    expect(clouds.create().status).toBe(201);
  });

  test('a create that exceeds the limit of locations is refused until the other location has no pending instance', () => {
    const clouds = new VirtualClouds({ clouds: { ncp: { slots: { locations: 1 } } } }, { cloud: 'ncp' });
    expect(clouds.create('KR').status).toBe(201);
    expect(clouds.create('KR').status).toBe(201);
    expect(clouds.create('SGN')).toMatchObject({ status: 429, body: { code: 'TooManyPendingLocations' } });
    clouds.account = 'another';
    expect(clouds.create('SGN').status).toBe(201);
    clouds.account = 'acc';
    clouds.wait(21.5);
    expect(clouds.create('SGN').status).toBe(201);
    expect(clouds.books('SGN')).toMatchObject({ throttled: 1, limitViolations: { locationSlots: 1 } });
  });
});

describe('quota of the simulated clouds', () => {
  test('the quota counts existing instances, and refusals for quota are not counted as throttled calls', () => {
    const clouds = new VirtualClouds({
      clouds: { aws: { locations: { [LOCATION]: { instanceQuota: 2 } } } },
    });
    const { body } = clouds.create();
    clouds.create();
    expect(clouds.create()).toMatchObject({ status: 403, body: { code: 'QuotaExceeded' } });
    clouds.wait(1);
    clouds.terminate(body['id']);
    expect(clouds.create().status).toBe(403);
    clouds.wait(4.1);
    expect(clouds.create().status).toBe(201);
    expect(clouds.books()).toMatchObject({ throttled: 0, limitViolations: {} });
  });
});

test('an account is refused if its key is wrong or the account is revoked', () => {
  const clouds = new VirtualClouds({ accounts: { acc: { apiKey: 'right' } } });
  const verify = () => clouds.call({ call: 'verify' });
  expect(verify()).toMatchObject({ status: 401, body: { code: 'InvalidCredentials' } });
  clouds.apiKey = 'right';
  expect(verify()).toMatchObject({ status: 200, body: { account: 'acc' } });
  clouds.engine.world.commit({ kind: 'account', account: 'acc', rule: { revoked: true } });
  expect(verify()).toMatchObject({ status: 403, body: { code: 'AccountRevoked' } });
});
