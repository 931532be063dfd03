import { describe, expect, test } from 'vitest';
import { LOCATION, START_MS, VirtualClouds } from './virtual-clouds.ts';

describe('the life cycle of a simulated instance', () => {
  test("an instance is accepted, boots, runs and terminates at the times that the books (the clouds' record of machines) state", () => {
    const clouds = new VirtualClouds();
    const made = clouds.create();
    const id = made.body['id'];
    const [booked] = clouds.books().instances;
    const { submitMs = 0, bootMs = 0 } = booked ?? {};
    expect(submitMs).toBeGreaterThanOrEqual(200);
    expect(submitMs).toBeLessThanOrEqual(600);
    expect(bootMs).toBeGreaterThanOrEqual(6_000);
    expect(bootMs).toBeLessThanOrEqual(14_000);
    expect(made).toMatchObject({ status: 201, atMs: START_MS + submitMs, body: { status: 'Creating' } });
    clouds.nowMs = START_MS + submitMs - 1;
    expect(clouds.list()).toEqual([]);
    clouds.nowMs += 1;
    expect(clouds.list()).toMatchObject([{ id, status: 'Creating' }]);
    clouds.nowMs = START_MS + submitMs + bootMs - 1;
    expect(clouds.statusOf(id)).toBe('Creating');
    clouds.nowMs += 1;
    expect(clouds.list()[0]).toMatchObject({
      status: 'Running',
      publicIp: expect.any(String),
      privateIp: '10.0.0.5',
    });
    expect(clouds.terminate(id)).toMatchObject({ status: 202, body: { status: 'Terminating' } });
    clouds.wait(0.9);
    expect(clouds.statusOf(id)).toBe('Terminating');
    clouds.wait(3.1);
    expect(clouds.statusOf(id)).toBe('gone');
    clouds.wait(120);
    clouds.list();
    expect(clouds.books().instances).toMatchObject([
      {
        backendId: id,
        status: 'Terminated',
        acceptedAt: new Date(START_MS).toISOString(),
        createdAt: new Date(START_MS + submitMs).toISOString(),
        runningAt: new Date(START_MS + submitMs + bootMs).toISOString(),
        terminatedAt: expect.any(String),
      },
    ]);
  });

  test('a stopped instance has no public address, and gets another one when it starts', () => {
    const clouds = new VirtualClouds();
    const id = String(clouds.create().body['id']);
    clouds.wait(60);
    const [before] = clouds.list();
    clouds.call({ call: 'stop', location: LOCATION, backendId: id });
    clouds.wait(10);
    expect(clouds.list()).toMatchObject([{ status: 'Suspended', privateIp: before?.['privateIp'] }]);
    expect(clouds.list()[0]).not.toHaveProperty('publicIp');
    clouds.call({ call: 'start', location: LOCATION, backendId: id });
    clouds.wait(10);
    const [after] = clouds.list();
    expect(after).toMatchObject({ status: 'Running', publicIp: expect.any(String) });
    expect(after?.['publicIp']).not.toBe(before?.['publicIp']);
  });

  test('an instance shows its addresses `addressSeconds` after it runs', () => {
    const clouds = new VirtualClouds({ clouds: { aws: { addressSeconds: [30, 30] } } });
    clouds.create();
    clouds.wait(20);
    expect(clouds.list()).toMatchObject([{ status: 'Running' }]);
    expect(clouds.list()[0]).not.toHaveProperty('privateIp');
    clouds.wait(30);
    expect(clouds.list()).toMatchObject([{ publicIp: expect.any(String), privateIp: expect.any(String) }]);
  });

  test('a list by ids contains exactly the requested instances that exist', () => {
    const clouds = new VirtualClouds();
    const [first, second] = [clouds.create(), clouds.create(), clouds.create()].map(({ body }) =>
      String(body['id']),
    );
    clouds.wait(5);
    const ids = [String(second), 'i-that-never-was', String(first), String(second)];
    const { body } = clouds.call({ call: 'list', location: LOCATION, tags: {}, page: {}, ids });
    expect(body.items?.map(({ id }) => id)).toEqual([first, second]);
    clouds.terminate(first);
    clouds.wait(120);
    const left = clouds.call({ call: 'list', location: LOCATION, tags: {}, page: {}, ids });
    expect(left.body.items?.map(({ id }) => id)).toEqual([second]);
  });

  test("an instance that was terminated while it booted has no `runningAt` in the clouds' books", () => {
    const clouds = new VirtualClouds();
    const { body } = clouds.create();
    clouds.wait(1);
    clouds.terminate(body['id']);
    clouds.wait(60);
    expect(clouds.books().instances[0]).not.toHaveProperty('runningAt');
  });

  test('the submit and boot times of instances depend on the seed and not on the account', () => {
    const timesWith = (seed: number, account: string) => {
      const clouds = new VirtualClouds({}, { seed });
      clouds.account = account;
      for (let n = 0; n < 5; n += 1) clouds.create();
      return clouds.books().instances.map(({ submitMs, bootMs }) => [submitMs, bootMs]);
    };
    expect(timesWith(3, 'a')).toEqual(timesWith(3, 'b'));
    expect(timesWith(3, 'a')).not.toEqual(timesWith(4, 'a'));
  });
});

describe('launch tokens', () => {
  test('two creates with one launch token make one instance, even if the first create is not answered yet', () => {
    const clouds = new VirtualClouds();
    const [first, second] = [1, 2].map(() => clouds.create(LOCATION, { launchToken: 't' }));
    expect(second?.body['id']).toBe(first?.body['id']);
    expect([first?.status, second?.status]).toEqual([201, 200]);
    expect(second?.atMs).toBe(first?.atMs);
    expect(clouds.books().instances).toHaveLength(1);
  });

  test('a launch token is refused permanently after its instance was terminated', () => {
    const clouds = new VirtualClouds();
    const { body } = clouds.create(LOCATION, { launchToken: 't' });
    clouds.wait(1);
    clouds.terminate(body['id']);
    for (const seconds of [5, 600]) {
      clouds.wait(seconds);
      clouds.list();
      expect(clouds.create(LOCATION, { launchToken: 't' })).toMatchObject({
        body: { code: 'LaunchTokenUsed' },
      });
    }
  });

  test('a cloud that does not honour launch tokens makes two instances for one token, and finds both by the token', () => {
    const clouds = new VirtualClouds({ clouds: { aws: { honoursTokens: false } } });
    const ids = [1, 2].map(() => clouds.create(LOCATION, { launchToken: 't' }).body['id']);
    expect(new Set(ids).size).toBe(2);
    clouds.wait(1);
    const found = clouds.call({ call: 'find', location: LOCATION, launchToken: 't' }).body.items;
    expect(found?.map(({ id }) => id)).toEqual(ids);
  });
});

describe('lists of instances', () => {
  test('the pages of a list by tags contain each instance once, even if an instance terminates between two pages', () => {
    const clouds = new VirtualClouds({ pageSize: 3 });
    const ids = Array.from({ length: 5 }, () => clouds.create().body['id']);
    clouds.create(LOCATION, { tags: { owner: 'another' } });
    clouds.wait(1);
    const page = (cursor?: string) =>
      clouds.call({ call: 'list', location: LOCATION, tags: { owner: 'acc' }, page: { cursor } }).body;
    const first = page();
    expect(first.items?.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    clouds.terminate(ids[0]);
    clouds.wait(5);
    const second = page(String(first['nextCursor']));
    expect(second.items?.map(({ id }) => id)).toEqual(ids.slice(3));
    expect(second['nextCursor']).toBeNull();
  });

  test("lists and searches by token are behind by the cloud's list delay, and a get shows the current state", () => {
    const clouds = new VirtualClouds({ clouds: { aws: { listDelayMs: 2_000 } } });
    const { body, atMs } = clouds.create();
    clouds.nowMs = atMs + 1_999;
    expect(clouds.list()).toEqual([]);
    expect(clouds.call({ call: 'find', location: LOCATION, launchToken: 'i-1.1' }).body.items).toEqual([]);
    expect(clouds.statusOf(body['id'])).toBe('Creating');
    clouds.nowMs = atMs + 2_000;
    expect(clouds.list()).toHaveLength(1);
    clouds.terminate(body['id']);
    expect(clouds.list()).toMatchObject([{ status: 'Creating' }]);
    clouds.wait(2);
    expect(clouds.list()).not.toMatchObject([{ status: 'Creating' }]);
  });
});

test('an account cannot see or terminate an instance of another account', () => {
  const clouds = new VirtualClouds();
  const { body } = clouds.create();
  clouds.wait(1);
  clouds.account = 'another';
  expect(clouds.list()).toEqual([]);
  expect(clouds.statusOf(body['id'])).toBe('gone');
  expect(clouds.terminate(body['id']).status).toBe(404);
});

test('after a reset, the clouds have no instance and no fault, draw the same random times again, and use no id twice', () => {
  const clouds = new VirtualClouds();
  clouds.fault({ kind: 'error', call: 'verify' });
  const before = clouds.create();
  const times = ({ submitMs, bootMs }: { submitMs: number; bootMs: number }) => [submitMs, bootMs];
  const timesBefore = clouds.books().instances.map(times);
  clouds.engine.reset();
  expect(clouds.call({ call: 'verify' }).status).toBe(200);
  expect(clouds.list()).toEqual([]);
  const again = new VirtualClouds({}, { past: clouds.engine.world.state.snapshot() });
  const after = again.create();
  expect(again.books().instances.map(times)).toEqual(timesBefore);
  expect(after.body['id']).not.toBe(before.body['id']);
});
