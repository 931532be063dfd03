import { describe, expect, test } from 'vitest';
import { FAULT_KINDS, faultSchema } from '../../../../local/sim/engine/faults.ts';
import { LOCATION, VirtualClouds } from './virtual-clouds.ts';

/** Returns clouds with one running instance. */
function withOneRunning() {
  const clouds = new VirtualClouds();
  const { body } = clouds.create();
  clouds.wait(20);
  return { clouds, id: body['id'] };
}

describe('the kinds of faults', () => {
  test.each([
    ['throttle', 429, 'RateLimited'],
    ['quota', 403, 'QuotaExceeded'],
    ['capacity', 409, 'InsufficientCapacity'],
    ['error', 500, 'InternalError'],
  ] as const)('with the fault %s, a create is refused and makes no instance', (kind, status, code) => {
    const { clouds } = withOneRunning();
    clouds.fault({ kind, call: 'create', count: 1 });
    expect(clouds.create()).toMatchObject({ status, body: { code } });
    expect(clouds.books().instances).toHaveLength(1);
    expect(clouds.create().status).toBe(201);
    expect(clouds.books()).toMatchObject({ throttled: kind === 'throttle' ? 1 : 0, limitViolations: {} });
  });

  test.each([
    ['loseReplyBeforeEffect', 'lost', 0],
    ['loseReplyAfterEffect', 'lost', 1],
    ['timeout', 'silent', 1],
  ] as const)(
    'with the fault %s, the answer of a create is %s and the number of instances is %d',
    (kind, reply, instances) => {
      const clouds = new VirtualClouds();
      const operation = clouds.createOperation();
      clouds.fault({ kind, call: 'create', count: 1 });
      expect(clouds.reply(operation).kind).toBe(reply);
      clouds.wait(1);
      expect(clouds.list()).toHaveLength(instances);
    },
  );

  test('with the fault delay, a call takes effect immediately and is answered later', () => {
    const { clouds, id } = withOneRunning();
    clouds.fault({ kind: 'delay', call: 'terminate', delayMs: 7_000 });
    expect(clouds.terminate(id)).toMatchObject({ status: 202, atMs: clouds.nowMs + 7_000 });
    clouds.wait(4);
    expect(clouds.statusOf(id)).toBe('gone');
  });

  test('the fault duplicateEffect makes two instances for one token, and the answer contains the first instance', () => {
    const clouds = new VirtualClouds();
    clouds.fault({ kind: 'duplicateEffect', count: 1 });
    const { body } = clouds.create();
    const { instances } = clouds.books();
    expect(instances).toHaveLength(2);
    expect(instances[0]?.backendId).toBe(body['id']);
    expect(new Set(instances.map(({ launchToken }) => launchToken)).size).toBe(1);
  });

  test('with the fault staleList, a list shows an earlier state and a get shows the current state', () => {
    const { clouds, id } = withOneRunning();
    clouds.fault({ kind: 'staleList', delayMs: 5_000 });
    clouds.terminate(id);
    clouds.wait(4.5);
    expect(clouds.list()).toMatchObject([{ id, status: 'Running' }]);
    expect(clouds.statusOf(id)).toBe('gone');
    clouds.wait(5);
    expect(clouds.list()).toEqual([]);
  });

  test('the fault vanish ends an instance without a terminate call', () => {
    const { clouds, id } = withOneRunning();
    clouds.fault({ kind: 'vanish', call: 'list', count: 1 });
    expect(clouds.list()).toEqual([]);
    expect(clouds.books().instances).toMatchObject([{ backendId: id, status: 'Terminated', vanished: true }]);
    expect(clouds.books().calls['terminate']).toBeUndefined();
  });

  test('the fault vanish waits until an instance exists before it takes effect', () => {
    const clouds = new VirtualClouds();
    clouds.fault({ kind: 'vanish', count: 1 });
    clouds.list();
    clouds.create();
    clouds.wait(1);
    expect(clouds.list()).toEqual([]);
    expect([...clouds.engine.world.state.faults.values()]).toMatchObject([{ hits: 1 }]);
  });

  test('the fault stuckTerminating keeps an instance in Terminating until `delayMs` has passed or a second call terminates the instance', () => {
    const { clouds, id } = withOneRunning();
    const other = clouds.create().body['id'];
    clouds.wait(20);
    clouds.fault({ kind: 'stuckTerminating', count: 2, delayMs: 60_000 });
    clouds.terminate(id);
    clouds.terminate(other);
    clouds.wait(59);
    expect([clouds.statusOf(id), clouds.statusOf(other)]).toEqual(['Terminating', 'Terminating']);
    clouds.wait(6);
    expect([clouds.statusOf(id), clouds.statusOf(other)]).toEqual(['gone', 'gone']);

    const third = clouds.create().body['id'];
    clouds.wait(20);
    clouds.fault({ kind: 'stuckTerminating', count: 1 });
    clouds.terminate(third);
    clouds.wait(10);
    clouds.terminate(third);
    clouds.wait(4.1);
    expect(clouds.statusOf(third)).toBe('gone');
  });

  test('with the fault bootFailure, an instance is Failed instead of Running until a call terminates it', () => {
    const clouds = new VirtualClouds();
    clouds.fault({ kind: 'bootFailure' });
    const { body } = clouds.create();
    clouds.wait(20);
    expect(clouds.list()).toMatchObject([{ status: 'Failed', failureMessage: expect.any(String) }]);
    clouds.terminate(body['id']);
    clouds.wait(5);
    expect(clouds.list()).toEqual([]);
  });
});

test('a location that is down refuses creates, is listed as unavailable, and keeps its running instances', () => {
  const { clouds, id } = withOneRunning();
  clouds.engine.world.commit({ kind: 'location', cloud: 'aws', location: LOCATION, up: false });
  expect(clouds.create()).toMatchObject({ status: 503, body: { code: 'LocationUnavailable' } });
  const locations = clouds.call({ call: 'locations' }).body.items;
  expect(locations?.filter(({ available }) => !available)).toMatchObject([{ name: LOCATION }]);
  clouds.engine.world.commit({ kind: 'location', cloud: 'aws', location: LOCATION, up: true });
  expect(clouds.statusOf(id)).toBe('Running');
});

test('the published kinds of faults are accepted, and an unknown kind or a probability above 1 is refused', () => {
  const contract =
    'throttle|quota|capacity|error|timeout|loseReplyBeforeEffect|loseReplyAfterEffect|delay|duplicateEffect|staleList|vanish|stuckTerminating';
  expect(FAULT_KINDS).toEqual(expect.arrayContaining(contract.split('|')));
  expect(faultSchema.safeParse({ kind: 'meteor' }).success).toBe(false);
  expect(faultSchema.safeParse({ kind: 'error', probability: 2 }).success).toBe(false);
});
