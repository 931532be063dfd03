import { expect, test } from 'vitest';
import { clientOf, json, REGION } from './cloud-double.ts';

const PORTS = 'GET neutron /v2.0/ports';
const DELETE = 'DELETE nova /v2.1/servers/s1';

const port = (id: string, over: object = {}) => ({
  id,
  name: '',
  description: '',
  device_owner: 'compute:nova',
  device_id: 's1',
  fixed_ips: [],
  ...over,
});

test("a termination marks only the ports of the server without name and description, before Nova's call", async () => {
  const { client, asked } = clientOf({
    [PORTS]: () =>
      json({
        ports: [
          port('made-by-nova'),
          port('named', { name: 'web' }),
          port('described', { description: 'of a user' }),
          port('of-another-server', { device_id: 's2' }),
          port('of-a-service', { device_owner: 'Octavia' }),
        ],
      }),
    PUT: () => json({}),
    [DELETE]: () => new Response(null, { status: 204 }),
  });
  await client.terminateInstance(REGION, 's1', 'f0123456789abcdef-00001');
  expect(asked.slice(1).map(({ method, what }) => `${method} ${what}`)).toEqual([
    'GET neutron /v2.0/ports?device_id=s1&limit=500',
    'PUT neutron /v2.0/ports/made-by-nova',
    'DELETE nova /v2.1/servers/s1',
  ]);
  expect(asked[2]?.body).toEqual({
    port: { description: 'fleetwright:deployment=test;fleetwright:instance=f0123456789abcdef-00001' },
  });
});

test('a termination removes the server although Neutron refuses the mark of its port, or does not know the port', async () => {
  for (const status of [403, 404, 409, 500]) {
    const { client, asked } = clientOf({
      [PORTS]: () => json({ ports: [port('made-by-nova')] }),
      PUT: () => json({ NeutronError: { type: 'Refused', message: 'no' } }, status),
      [DELETE]: () => new Response(null, { status: 204 }),
    });
    await client.terminateInstance(REGION, 's1');
    expect(asked.at(-1)?.method).toBe('DELETE');
  }
});

test('a throttled mark fails the termination before the server is removed, so that it is repeated with the mark', async () => {
  const { client, asked } = clientOf({
    [PORTS]: () => json({ error: 'slow down' }, 429),
    [DELETE]: () => new Response(null, { status: 204 }),
  });
  await expect(client.terminateInstance(REGION, 's1')).rejects.toMatchObject({ code: 'Throttled' });
  expect(asked.some(({ method }) => method === 'DELETE')).toBe(false);
});
