import { describe, expect, test } from 'vitest';
import type { CreateInput, Operation } from '../../../../local/sim/engine/requests.ts';
import { LOCATION, VirtualClouds } from './virtual-clouds.ts';

/** A cloud that counts calls and instances apart, as EC2 does, and has no slots. */
function metered(over: Record<string, unknown> = {}): VirtualClouds {
  const aws = {
    instancesPerCall: 100,
    instanceQuota: 5_000,
    slots: { locations: 1_000, instancesPerLocation: 5_000 },
    rates: {
      create: { perSecond: 2, burst: 5 },
      instances: { perSecond: 2, burst: 100 },
      actions: { terminate: { calls: { perSecond: 5, burst: 3 }, instances: { perSecond: 20, burst: 80 } } },
    },
    ...over,
  };
  return new VirtualClouds({ clouds: { aws } });
}

function inputOf(operation: Operation): CreateInput {
  if (!('input' in operation) || operation.call !== 'create')
    throw new Error('this operation creates nothing');
  return operation.input;
}

function createMany(clouds: VirtualClouds, count: number, over: Partial<CreateInput> = {}) {
  const inputs = Array.from({ length: count }, () => inputOf(clouds.createOperation(LOCATION, over)));
  return clouds.call({ call: 'create', location: LOCATION, inputs });
}

const errorsIn = ({ body }: { body: { items?: Record<string, unknown>[] } }) =>
  (body.items ?? []).filter(({ error }) => error !== undefined);
const idsIn = ({ body }: { body: { items?: Record<string, unknown>[] } }): string[] =>
  (body.items ?? []).flatMap(({ instance }) =>
    typeof instance === 'object' && instance && 'id' in instance ? [String(instance.id)] : [],
  );

describe('create calls for several instances at the simulated clouds', () => {
  test('one call creates all of its instances, in the order of the request', () => {
    const clouds = metered();
    const answer = createMany(clouds, 40);
    expect(answer.status).toBe(201);
    expect(idsIn(answer)).toHaveLength(40);
    expect(clouds.books()).toMatchObject({ calls: { create: 1 }, throttled: 0 });
    clouds.wait(1);
    expect(clouds.list().map(({ id }) => id)).toEqual(idsIn(answer));
  });

  test('a call counts once against the rate of calls, and each instance against the rate of instances', () => {
    const clouds = metered();
    expect(createMany(clouds, 60).status).toBe(201);
    expect(createMany(clouds, 41)).toMatchObject({ status: 429, retryAfterMs: 500 });
    expect(createMany(clouds, 40).status).toBe(201);
    expect(createMany(clouds, 1)).toMatchObject({ status: 429, retryAfterMs: 500 });
    clouds.wait(0.5);
    expect(createMany(clouds, 1).status).toBe(201);
  });

  test('a call that the rate of instances refuses leaves the rate of calls as it was', () => {
    const clouds = metered();
    createMany(clouds, 100);
    for (let n = 0; n < 10; n += 1) expect(createMany(clouds, 1).status).toBe(429);
    clouds.wait(2);
    for (let n = 0; n < 4; n += 1) expect(createMany(clouds, 1).status).toBe(201);
  });

  test('a cloud with room for some of the instances creates these, and refuses the others one by one', () => {
    const clouds = metered({ locations: { [LOCATION]: { zoneCapacity: { 'us-east-1a': 12 } } } });
    const answer = createMany(clouds, 30, { zone: 'us-east-1a' });
    expect(answer.status).toBe(201);
    expect(idsIn(answer)).toHaveLength(12);
    expect(errorsIn(answer)).toHaveLength(18);
    expect(errorsIn(answer)[0]).toMatchObject({ error: { code: 'InsufficientCapacity' } });
  });

  test('a repeated call shows the same instances, and creates none', () => {
    const clouds = metered();
    const inputs = [inputOf(clouds.createOperation()), inputOf(clouds.createOperation())];
    const create = () => clouds.call({ call: 'create', location: LOCATION, inputs });
    expect(idsIn(create())).toEqual(idsIn(create()));
    clouds.wait(1);
    expect(clouds.list()).toHaveLength(2);
  });

  test('a call is refused, and creates nothing, if one of its instances is invalid or it asks for too many', () => {
    const clouds = metered();
    const good = inputOf(clouds.createOperation());
    const bad = { ...inputOf(clouds.createOperation()), instanceType: 'no-such-type' };
    for (const inputs of [[good, bad], [good, good], Array(101).fill(good)]) {
      const answer = clouds.call({ call: 'create', location: LOCATION, inputs });
      expect(answer).toMatchObject({ status: expect.toSatisfy((status: number) => status >= 400) });
    }
    expect(clouds.list()).toEqual([]);
  });
});

describe('terminate calls for several instances at the simulated clouds', () => {
  test('one call terminates all of its instances, and an unknown id does not spare the others', () => {
    const clouds = metered();
    const made = idsIn(createMany(clouds, 20));
    clouds.wait(60);
    const ids = [...made.slice(0, 10), 'i-none', ...made.slice(10)];
    const answer = clouds.call({ call: 'terminate', location: LOCATION, backendIds: ids });
    expect(answer.status).toBe(202);
    expect(errorsIn(answer)).toMatchObject([{ id: 'i-none', error: { code: 'NotFound' } }]);
    clouds.wait(10);
    expect(clouds.list().filter(({ status }) => status === 'Running')).toEqual([]);
    expect(clouds.books()).toMatchObject({ calls: { terminate: 1 } });
  });

  test('an action with rates of its own counts its calls and instances apart from other mutations', () => {
    const clouds = metered();
    const terminate = (count: number) =>
      clouds.call({
        call: 'terminate',
        location: LOCATION,
        backendIds: Array.from({ length: count }, (_, at) => `i-${at}`),
      }).status;
    expect([terminate(80), terminate(1)]).toEqual([202, 429]);
    clouds.wait(1);
    expect([terminate(20), terminate(1)]).toEqual([202, 429]);
    clouds.wait(10);
    expect([terminate(1), terminate(1), terminate(1), terminate(1)]).toEqual([202, 202, 202, 429]);
    expect(clouds.call({ call: 'stop', location: LOCATION, backendId: 'i-none' }).status).toBe(404);
  });
});
