import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { assignSites } from '../../../functions/features/fleets/assignment.ts';
import { makeSshKey } from '../../../functions/features/fleets/ssh-key.ts';
import { type Fleet, fleetSchema, type Instance, instanceSchema } from '../../../functions/model/fleet.ts';
import { readSpec } from '../../../functions/platform/store/fleets.ts';
import { useTables } from '../tables.ts';
import { fleetBody, furnish } from './furnish.ts';
import { Gateway } from './gateway.ts';

const store = useTables();
const gateway = new Gateway(store);
const { errorsOf, codeOf, pageOf } = Gateway;
const fleets = '/v1/namespaces/default/fleets';
const instances = '/v1/namespaces/default/instances';

beforeAll(async () => {
  await furnish(store, 'default');
  await furnish(store, 'other');
});
beforeEach(() => void gateway.started.splice(0));

const post = (json: unknown, key?: string, path = fleets) =>
  gateway.ask({ method: 'POST', path, json, headers: { 'idempotency-key': key } });
const fleetOf = ({ body }: { body: unknown }): Fleet => fleetSchema.parse(body);
const instanceOf = ({ body }: { body: unknown }): Instance => instanceSchema.parse(body);

async function assignment(fleetId: string): Promise<void> {
  const keepPrivateKey = () => Promise.resolve('/test/ssh');
  const forgetPrivateKey = () => Promise.resolve();
  await assignSites(
    {
      store,
      queueUrls: { sim: 'http://queue.invalid/sim' },
      makeKey: makeSshKey,
      keepPrivateKey,
      forgetPrivateKey,
    },
    { fleetId, execution: 1 },
  );
}

describe('creating a fleet', () => {
  it('an accepted fleet is written, its execution is started once, and the `location` header has the path of the fleet', async () => {
    const body = {
      ...fleetBody('web-new'),
      minimumInstances: 2,
      description: 'text',
      labels: { team: 'search' },
    };
    const answer = await post(body);
    const fleet = fleetOf(answer);
    expect(answer.status).toBe(202);
    expect(answer.headers['location']).toBe(`${fleets}/${fleet.id}`);
    expect(gateway.started).toEqual([{ work: 'provision', fleetId: fleet.id, execution: 1 }]);
    expect(fleet).toMatchObject({
      name: 'web-new',
      namespace: 'default',
      status: 'Preparing',
      failurePolicy: 'continue',
      minimumInstances: 2,
      description: 'text',
      labels: { team: 'search' },
      counts: { requested: 3, Planned: 3 },
    });
    expect((await readSpec(store, fleet.id)).nodeGroups).toEqual([
      {
        ...fleetBody('web-new').nodeGroups[0],
        driver: 'sim',
        cloud: 'aws',
        imageBackendIds: { 'us-east-1': 'ami-us-east-1', 'us-west-2': 'ami-us-west-2' },
        pricesUsdPerHour: { 'us-east-1': 0.1, 'us-west-2': 0.1 },
        publicIpUsdPerHour: 0.005,
        vcpus: 2,
        gpus: 0,
        memoryGb: 8,
      },
    ]);
  });

  it('a fleet is found by its id and by its name, but not in another namespace', async () => {
    const { id } = fleetOf(await post(fleetBody('web-found')));
    for (const fleet of [id, 'web-found']) {
      expect(fleetOf(await gateway.ask({ method: 'GET', path: `${fleets}/${fleet}` })).id).toBe(id);
      const elsewhere = await gateway.ask({ method: 'GET', path: `/v1/namespaces/other/fleets/${fleet}` });
      expect(elsewhere.status).toBe(404);
    }
  });

  it('a fleet name can be used once in a namespace', async () => {
    await post(fleetBody('web-name'));
    gateway.started.splice(0);
    const again = await post(fleetBody('web-name'));
    expect([again.status, codeOf(again), errorsOf(again)]).toEqual([409, 'name-taken', ['/name duplicate']]);
    expect(gateway.started).toEqual([]);
    expect((await post(fleetBody('web-name'), undefined, '/v1/namespaces/other/fleets')).status).toBe(202);
  });

  it('a refused fleet request lists a taken name together with its other errors', async () => {
    await post(fleetBody('web-taken'));
    expect(errorsOf(await post(fleetBody('web-taken', { image: 'windows-31' })))).toEqual([
      '/name duplicate',
      '/nodeGroups/0/image unknown-image',
    ]);
    expect(errorsOf(await post(fleetBody('web-taken', { size: 0 })))).toEqual([
      '/nodeGroups/0/size too-small',
      '/name duplicate',
    ]);
  });
});

describe('an idempotency key', () => {
  it('a repeated idempotency key gives the same answer and starts the execution under the same name', async () => {
    const first = await post(fleetBody('web-once'), 'key-1');
    const reordered = Object.fromEntries(Object.entries(fleetBody('web-once')).reverse());
    const again = await post(reordered, 'key-1');
    expect(again.status).toBe(202);
    expect(again.headers).toEqual(first.headers);
    expect(fleetOf(again)).toEqual(fleetOf(first));
    const { id: fleetId } = fleetOf(first);
    expect(gateway.started).toEqual(Array(2).fill({ work: 'provision', fleetId, execution: 1 }));
  });

  it('a repeated idempotency key gives the same answer even if a new request would be refused', async () => {
    const body = fleetBody('web-replay', { connection: 'sim-gcp', locations: ['us-east-1'] });
    const store2 = '/v1/namespaces/other/fleets';
    const first = await post(fleetBody('web-replay'), 'key-2', store2);
    await gateway.ask({ method: 'POST', path: '/v1/namespaces/other/connections/sim-aws/verify' });
    expect(errorsOf(await post(fleetBody('web-more'), undefined, store2))).toEqual([
      '/nodeGroups/0/connection connection-not-ready',
    ]);
    expect(fleetOf(await post(fleetBody('web-replay'), 'key-2', store2)).id).toBe(fleetOf(first).id);
    expect((await post(body, 'key-2', store2)).status).toBe(422);
  });

  it('an idempotency key that was used for another body is refused', async () => {
    await post(fleetBody('web-first'), 'key-3');
    const other = await post(fleetBody('web-second'), 'key-3');
    expect([other.status, codeOf(other)]).toEqual([422, 'idempotency-key-reused']);
    expect(gateway.started).toHaveLength(1);
    expect((await gateway.ask({ method: 'GET', path: `${fleets}/web-second` })).status).toBe(404);
  });

  it('five requests at the same time with one idempotency key create one fleet', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(fleetBody('web-race'), 'key-4')));
    expect(new Set(answers.map((answer) => fleetOf(answer).id)).size).toBe(1);
  });

  it('a malformed idempotency key is refused', async () => {
    expect(errorsOf(await post(fleetBody('web-bad'), 'a key'))).toEqual(['Idempotency-Key invalid-format']);
  });
});

describe('the instances of a fleet', () => {
  it('the instances of a fleet are listed in pages and can be filtered', async () => {
    const { id } = fleetOf(await post(fleetBody('web-list', { size: 5 })));
    await assignment(id);
    const list = async (query: Record<string, string>) => {
      return pageOf(await gateway.ask({ method: 'GET', path: `${fleets}/web-list/instances`, query }));
    };
    const first = await list({ limit: '2' });
    const second = await list({ limit: '2', cursor: first.cursor ?? '' });
    const third = await list({ limit: '2', cursor: second.cursor ?? '' });
    expect(third.cursor).toBeNull();
    const ids = [first, second, third].flatMap(({ items }) => items.map((one) => one.id));
    expect(ids).toEqual([0, 1, 2, 3, 4].map((index) => `${id}-0000${index}`));
    expect((await list({ location: 'us-west-2' })).items).toHaveLength(2);
    expect((await list({ status: 'Running' })).items).toEqual([]);
    expect((await list({ nodeGroup: 'web', connection: 'sim-aws' })).items).toHaveLength(5);
  });
});

describe('deleting a fleet', () => {
  it('a fleet that is deleted by name and then by id has one removal execution', async () => {
    const { id: fleetId } = fleetOf(await post(fleetBody('web-gone')));
    gateway.started.splice(0);
    const answer = await gateway.ask({ method: 'DELETE', path: `${fleets}/web-gone` });
    expect([answer.status, fleetOf(answer).status]).toEqual([202, 'Terminating']);
    expect((await gateway.ask({ method: 'DELETE', path: `${fleets}/${fleetId}` })).status).toBe(202);
    expect(gateway.started).toEqual([
      { work: 'remove', fleetId, execution: 2 },
      { work: 'remove', fleetId, execution: 2 },
    ]);
  });
});

describe('a single instance', () => {
  const one = (name: string) => ({
    name,
    connection: 'sim-aws',
    location: 'us-east-1',
    instanceType: 'm6i.large',
    image: 'ubuntu-24.04',
  });

  it('a single instance is created as a fleet of one', async () => {
    const answer = await post(one('bastion'), 'key-one', instances);
    const { id, fleetId, ...rest } = instanceOf(answer);
    expect(answer.status).toBe(201);
    expect(answer.headers['location']).toBe(`${instances}/${id}`);
    expect(answer.headers['preference-applied']).toBeUndefined();
    expect(rest).toMatchObject({
      nodeGroup: 'bastion',
      location: 'us-east-1',
      status: 'Planned',
      target: 'Running',
    });
    expect(gateway.started).toEqual([{ work: 'provision', fleetId, execution: 1 }]);
    expect(instanceOf(await post(one('bastion'), 'key-one', instances)).id).toBe(id);
    expect(instanceOf(await gateway.ask({ method: 'GET', path: `${instances}/${id}` })).id).toBe(id);
    const elsewhere = await gateway.ask({ method: 'GET', path: `/v1/namespaces/other/instances/${id}` });
    expect(elsewhere.status).toBe(404);
  });

  it('a request with `Prefer: wait` for an instance that does not run in time shows the status as it is', async () => {
    const beganMs = Date.now();
    const answer = await gateway.ask({
      method: 'POST',
      path: instances,
      json: one('slow-box'),
      headers: { prefer: 'wait=1' },
    });
    expect([answer.status, answer.headers['preference-applied']]).toEqual([201, 'wait=1']);
    expect(instanceOf(answer).status).toBe('Planned');
    expect(Date.now() - beganMs).toBeGreaterThanOrEqual(1_000);
  });

  it('deleting a single instance removes its fleet', async () => {
    const { id, fleetId } = instanceOf(await post(one('jump-host'), undefined, instances));
    const gone = await gateway.ask({ method: 'DELETE', path: `${instances}/${id}` });
    expect([gone.status, instanceOf(gone).target]).toEqual([202, 'Terminated']);
    expect(gateway.started.at(-1)).toEqual({ work: 'remove', fleetId, execution: 2 });
  });

  it('an instance of a larger fleet cannot be deleted alone', async () => {
    const { id } = fleetOf(await post(fleetBody('web-three')));
    gateway.started.splice(0);
    const answer = await gateway.ask({ method: 'DELETE', path: `${instances}/${id}-00001` });
    expect([answer.status, codeOf(answer)]).toEqual([409, 'part-of-a-fleet']);
    expect(gateway.started).toEqual([]);
  });
});

it('the API lists fleets in pages, newest first', async () => {
  const seen: string[] = [];
  let cursor: string | null | undefined;
  do {
    const query: Record<string, string> = { limit: '3', ...(cursor ? { cursor } : {}) };
    const page = pageOf(await gateway.ask({ method: 'GET', path: fleets, query }));
    expect(page.items.length).toBeLessThanOrEqual(3);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor);
  expect(seen.length).toBeGreaterThan(3);
  expect(seen).toEqual(seen.toSorted().reverse());
  expect(new Set(seen).size).toBe(seen.length);
});
