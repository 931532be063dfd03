import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { instanceListSchema } from '../../../../functions/entrypoints/api/routes/fleets.ts';
import { instanceSchema } from '../../../../functions/model/fleet.ts';
import { putQuotas } from '../../../../functions/platform/store/quota-readings.ts';
import { furnish } from '../../../engine/api/furnish.ts';
import { InProcessApi } from './any-input/api.ts';

const INSTANCES = '/v1/namespaces/default/instances';
const machine = {
  connection: 'sim-aws',
  location: 'us-east-1',
  instanceType: 'm6i.large',
  image: 'ubuntu-24.04',
};
const west = { ...machine, location: 'us-west-2' };

const api = new InProcessApi();
beforeAll(async () => {
  await api.open();
  await furnish(api.store, 'default');
});
afterAll(() => api.close());

const post = (body: object, headers: Record<string, string> = {}) =>
  api.ask('fleets', {
    method: 'POST',
    path: INSTANCES,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const get = async (path: string) => (await api.ask('fleets', { method: 'GET', path })).body;
const errorsOf = (body: unknown): string[] =>
  z
    .object({ errors: z.array(z.object({ pointer: z.string(), code: z.string() })) })
    .parse(body)
    .errors.map(({ pointer, code }) => `${pointer} ${code}`);
const fleets = async () => z.object({ items: z.array(z.unknown()) }).parse(await get(FLEETS)).items.length;
const FLEETS = '/v1/namespaces/default/fleets';

describe('a request for a list of instances', () => {
  it('is answered with each instance, its name, id and path, in the order of the request', async () => {
    const { status, headers, body } = await post({
      name: 'mixed',
      instances: [
        { ...west, name: 'west' },
        machine,
        { ...west, name: 'far', count: 2 },
        { ...machine, name: 'box' },
      ],
    });
    expect(status).toBe(201);
    const { fleetId, items } = instanceListSchema.parse(body);
    expect(headers['location']).toBe(`${FLEETS}/${fleetId}/instances`);
    expect(items.map(({ name, location }) => `${name} ${location}`)).toEqual([
      'west us-west-2',
      'mixed-1 us-east-1',
      'far-1 us-west-2',
      'far-2 us-west-2',
      'box us-east-1',
    ]);
    expect(new Set(items.map(({ id }) => id)).size).toBe(5);
    for (const { id, name, href } of items) {
      expect(href).toBe(`${INSTANCES}/${id}`);
      expect(instanceSchema.parse(await get(href))).toMatchObject({ id, name, fleetId });
    }
    expect(await get(`${FLEETS}/mixed`)).toMatchObject({ id: fleetId, counts: { requested: 5 } });
  });

  it('is accepted once under one key, also without a name, and another body under the key is refused', async () => {
    const key = { 'idempotency-key': 'batch-1' };
    const body = { instances: [{ ...machine, count: 100 }] };
    const first = instanceListSchema.parse((await post(body, key)).body);
    const before = await fleets();
    const again = instanceListSchema.parse((await post(body, key)).body);
    expect(again).toEqual(first);
    expect(again.items).toHaveLength(100);
    expect(await fleets()).toBe(before);
    for (const changed of [
      { instances: [{ ...machine, count: 99 }] },
      {
        instances: [
          { ...machine, count: 99 },
          { ...machine, name: 'hundredth' },
        ],
      },
      { ...machine, name: 'single' },
    ])
      expect((await post(changed, key)).body).toMatchObject({ code: 'idempotency-key-reused' });
  });

  it('of which some cannot be accepted is refused as a whole, with the index of each', async () => {
    const before = await fleets();
    const wrong = { ...machine, image: 'beos-5' };
    const { status, body } = await post({
      instances: [
        machine,
        wrong,
        { ...west, instanceType: 'm99.huge' },
        { ...wrong, name: 'more', count: 3 },
        { ...machine, location: 'mars' },
      ],
    });
    expect(status).toBe(400);
    expect(errorsOf(body)).toEqual([
      '/instances/1/image unknown-image',
      '/instances/2/instanceType unknown-instance-type',
      '/instances/3/image unknown-image',
      '/instances/4/location unknown-location',
    ]);
    expect(await fleets()).toBe(before);
  });

  it('that the schema refuses is compared with the catalogue, too', async () => {
    const { body } = await post({
      instances: [{ ...machine, count: 101 }, { ...machine, image: 'beos-5' }, 7],
    });
    expect(errorsOf(body)).toEqual([
      '/instances/0/count too-big',
      '/instances/2 invalid-type',
      '/instances/1/image unknown-image',
    ]);
  });

  it('counts as a whole against the quotas of the account', async () => {
    await putQuotas(api.store, 'sim/default/sim-aws', 'us-east-1', [
      { unit: 'vcpus', name: 'vCPUs', limit: 4 },
    ]);
    const { body } = await post({ instances: [machine, { ...machine, count: 2 }] });
    expect(errorsOf(body)).toEqual([
      '/instances/0/connection above-quota',
      '/instances/1/connection above-quota',
    ]);
    const single = await post({ ...machine, name: 'fits' });
    expect(single.status).toBe(201);
    expect(instanceSchema.parse(single.body).name).toBe('fits');
  });
});
