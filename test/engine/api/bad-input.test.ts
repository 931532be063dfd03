import { beforeAll, describe, expect, it } from 'vitest';
import { updateConnection } from '../../../functions/platform/store/update-connection.ts';
import { useTables } from '../tables.ts';
import { fleetBody, furnish } from './furnish.ts';
import { Gateway } from './gateway.ts';

const store = useTables();
const gateway = new Gateway(store);
const { errorsOf, codeOf } = Gateway;
const SIM_AWS = { driver: 'sim', namespace: 'default', name: 'sim-aws' } as const;

beforeAll(async () => {
  await furnish(store, 'default');
  await furnish(store, 'other');
  await gateway.ask({ method: 'POST', path: '/v1/namespaces', json: { name: 'empty' } });
});

const post = (json: unknown, namespace = 'default') =>
  gateway.ask({ method: 'POST', path: `/v1/namespaces/${namespace}/fleets`, json });

async function nothingStarted(): Promise<void> {
  expect(gateway.started).toEqual([]);
  const list = await gateway.ask({ method: 'GET', path: '/v1/namespaces/default/fleets' });
  expect(list.body).toEqual({ items: [], cursor: null });
}

describe('a fleet request with one mistake', () => {
  it.each([
    ['size 0', { size: 0 }, ['/nodeGroups/0/size too-small']],
    ['size 10,001', { size: 10_001 }, ['/nodeGroups/0/size too-big', '/nodeGroups too-big']],
    ['a size in words', { size: 'three' }, ['/nodeGroups/0/size invalid-type']],
    ['no image', { image: undefined }, ['/nodeGroups/0/image missing']],
    ['an unknown field', { colour: 'red' }, ['/nodeGroups/0/colour unrecognized-key']],
    ['an unknown connection', { connection: 'nowhere' }, ['/nodeGroups/0/connection unknown-connection']],
    [
      'a connection not verified',
      { connection: 'sim-gcp' },
      ['/nodeGroups/0/connection connection-not-ready'],
    ],
    [
      'an unknown location',
      { locations: ['us-east-1', 'mars-1'] },
      ['/nodeGroups/0/locations/1 unknown-location'],
    ],
    [
      'a location that is down',
      { locations: ['eu-down-1'] },
      expect.arrayContaining(['/nodeGroups/0/locations/0 location-unavailable']),
    ],
    [
      'an unknown zone',
      { locations: ['us-east-1'], zone: 'us-east-1z' },
      ['/nodeGroups/0/zone unknown-zone'],
    ],
    ['an unknown type', { instanceType: 'm99.huge' }, ['/nodeGroups/0/instanceType unknown-instance-type']],
    ['no type', { instanceType: undefined }, ['/nodeGroups/0/instanceType missing']],
    [
      'a type in addition to a list of types',
      { instanceTypes: ['m6i.large'] },
      ['/nodeGroups/0/instanceType contradictory'],
    ],
    [
      'a list that has an unknown type',
      { instanceType: undefined, instanceTypes: ['m6i.large', 'm99.huge'] },
      ['/nodeGroups/0/instanceTypes/1 unknown-instance-type'],
    ],
    [
      'a list that has a type for another architecture',
      { locations: ['us-east-1'], instanceType: undefined, instanceTypes: ['m6i.large', 'm7g.large'] },
      ['/nodeGroups/0/instanceTypes/1 architecture-mismatch'],
    ],
    [
      'a zone in addition to a list of zones',
      { locations: ['us-east-1'], zone: 'us-east-1a', zones: ['us-east-1a'] },
      ['/nodeGroups/0/zone contradictory'],
    ],
    [
      'a zone that none of its locations has',
      { zones: ['us-east-1a', 'us-west-2a', 'us-west-2z'] },
      ['/nodeGroups/0/zones/2 unknown-zone'],
    ],
    [
      'zones of only one of its locations',
      { zones: ['us-east-1a'] },
      ['/nodeGroups/0/zones no-zone-of-location'],
    ],
    [
      'a zone twice',
      { zones: ['us-east-1a', 'us-west-2a', 'us-west-2a'] },
      ['/nodeGroups/0/zones duplicate'],
    ],
    ['an unknown image', { image: 'windows-31' }, ['/nodeGroups/0/image unknown-image']],
    ['a location twice', { locations: ['us-east-1', 'us-east-1'] }, ['/nodeGroups/0/locations duplicate']],
    [
      'a source that is no node group of the fleet',
      { ingress: [{ protocol: 'tcp', ports: [80], from: ['10.0.0.0/8', 'group:absent'] }] },
      ['/nodeGroups/0/ingress/0/from/1 unknown-node-group'],
    ],
    [
      'more rules than a security group may have',
      {
        ingress: [
          {
            protocol: 'udp',
            ports: Array.from({ length: 31 }, (_, at) => at + 1),
            from: ['10.0.0.0/8', '::/0'],
          },
        ],
      },
      ['/nodeGroups/0/ingress too-many-rules'],
    ],
    [
      'a port that is none, and no list of ports',
      {
        ingress: [
          { protocol: 'tcp', ports: [70_000], from: ['10.0.0.0/8'] },
          { protocol: 'tcp', from: ['10.0.0.0/8'] },
        ],
      },
      ['/nodeGroups/0/ingress/0/ports/0 too-big', '/nodeGroups/0/ingress/1/ports missing'],
    ],
    ['a bad CIDR', { ssh: { allowFrom: 'anywhere' } }, ['/nodeGroups/0/ssh/allowFrom invalid-format']],
  ])(
    'a fleet request with %s is refused with the pointer of the wrong field',
    async (_what, group, errors) => {
      const answer = await post(fleetBody('web-bad', group));
      expect(answer.status).toBe(400);
      expect(codeOf(answer)).toBe('invalid-request');
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(errorsOf(answer)).toEqual(errors);
      await nothingStarted();
    },
  );

  it('a fleet request lists two errors if the image does not match the architecture of the instance type, and a location does not offer the type', async () => {
    const answer = await post(fleetBody('web-bad', { instanceType: 'm7g.large' }));
    expect(errorsOf(answer)).toEqual([
      '/nodeGroups/0/image architecture-mismatch',
      '/nodeGroups/0/instanceType not-offered',
    ]);
  });

  it.each<[string, Record<string, number>, Record<string, unknown>, string[]]>([
    ['more instances than its total', { instances: 2 }, {}, ['/nodeGroups/0/size above-totals']],
    [
      'more vCPUs and memory than its totals',
      { vcpus: 5, memoryGb: 23 },
      {},
      ['/nodeGroups/0/size above-totals', '/nodeGroups/0/size above-totals'],
    ],
    [
      'no GPU, a total of GPUs, and an unknown zone',
      { gpus: 1 },
      { locations: ['us-east-1'], zone: 'us-east-1z' },
      ['/nodeGroups/0/zone unknown-zone'],
    ],
  ])(
    'a fleet request for a connection with totals is refused with %s',
    async (_what, totals, group, errors) => {
      await updateConnection(store, SIM_AWS, { limits: { totals } });
      const answer = await post(fleetBody('web-bad', group));
      await updateConnection(store, SIM_AWS, {}, { remove: ['limits'] });
      expect([answer.status, errorsOf(answer)]).toEqual([400, errors]);
      await nothingStarted();
    },
  );

  it('a fleet request that names a connection of another namespace is refused as unknown', async () => {
    const answer = await post(fleetBody('web-bad'), 'empty');
    expect(errorsOf(answer)).toEqual(['/nodeGroups/0/connection unknown-connection']);
  });

  it('a fleet request with an unknown failure policy is refused', async () => {
    const answer = await post({ ...fleetBody('web-bad'), failurePolicy: 'hope' });
    expect(errorsOf(answer)).toEqual(['/failurePolicy invalid-value']);
  });

  it.each([
    [{ minimumInstances: 4 }, '/minimumInstances too-big'],
    [{ hold: { expiresInSeconds: 59 } }, '/hold/expiresInSeconds too-small'],
    [{ hold: true }, '/hold invalid-type'],
  ])('a fleet request with the impossible fields %j is refused', async (fields, error) => {
    expect(errorsOf(await post({ ...fleetBody('web-bad'), ...fields }))).toEqual([error]);
  });

  it('a node group with a minimum above its size is refused', async () => {
    const answer = await post(fleetBody('web-bad', { minimumInstances: 4 }));
    expect(errorsOf(answer)).toEqual(['/nodeGroups/0/minimumInstances too-big']);
  });

  it('a fleet request with 101 node groups is refused', async () => {
    const [group] = fleetBody('x').nodeGroups;
    const groups = Array.from({ length: 101 }, (_, at) => ({ ...group, name: `group-${at}` }));
    expect(errorsOf(await post({ name: 'web-bad', nodeGroups: groups }))).toEqual(['/nodeGroups too-big']);
  });
});

it('a refused fleet request lists the errors of all checks together', async () => {
  const [group] = fleetBody('x').nodeGroups;
  const answer = await post({
    name: 'X',
    failurePolicy: 'hope',
    nodeGroups: [
      { ...group, size: 0, colour: 'red' },
      { ...group, connection: 'nowhere' },
      { ...group, name: 'third', locations: ['mars-1'], instanceType: 'm99.huge', image: '' },
    ],
  });
  expect(answer.status).toBe(400);
  expect(errorsOf(answer).toSorted()).toEqual(
    [
      '/name invalid-format',
      '/failurePolicy invalid-value',
      '/nodeGroups/0/size too-small',
      '/nodeGroups/0/colour unrecognized-key',
      '/nodeGroups/1/name duplicate',
      '/nodeGroups/1/connection unknown-connection',
      '/nodeGroups/2/locations/0 unknown-location',
      '/nodeGroups/2/instanceType unknown-instance-type',
      '/nodeGroups/2/image invalid-format',
    ].toSorted(),
  );
  await nothingStarted();
});

it('the errors of a refused single instance point at the fields of its own body', async () => {
  const answer = await gateway.ask({
    method: 'POST',
    path: '/v1/namespaces/default/instances',
    json: {
      name: 'one',
      connection: 'sim-aws',
      location: 'mars-1',
      instanceType: 'm99.huge',
      image: 'ubuntu-24.04',
      rootDiskGb: 0,
    },
  });
  expect(errorsOf(answer).toSorted()).toEqual([
    '/instanceType unknown-instance-type',
    '/location unknown-location',
    '/rootDiskGb too-small',
  ]);
  await nothingStarted();
});

describe('an unreadable body', () => {
  const path = '/v1/namespaces/default/fleets';
  it.each([
    ['malformed JSON', { text: '{"name": ' }, 400, 'malformed-json'],
    ['no text', { text: '' }, 400, 'malformed-json'],
    ['more than 256 KB', { text: JSON.stringify({ name: 'x'.repeat(256 * 1024) }) }, 413, 'body-too-large'],
    [
      'YAML',
      { text: 'name: web', headers: { 'content-type': 'application/yaml' } },
      415,
      'unsupported-media-type',
    ],
    [
      'no content type',
      { text: '{}', headers: { 'content-type': undefined } },
      415,
      'unsupported-media-type',
    ],
    ['a list', { json: [] }, 400, 'invalid-request'],
    ['null', { text: 'null' }, 400, 'invalid-request'],
  ])('a body with %s is refused', async (_what, body, status, code) => {
    const answer = await gateway.ask({ method: 'POST', path, ...body });
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    await nothingStarted();
  });

  it('a body with 20,000 errors is answered with 1,000 of them', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, 1]));
    const answer = await post({ ...fleetBody('web-bad'), ...unknown });
    expect(errorsOf(answer)).toHaveLength(1_000);
  });
});

describe('path and query', () => {
  it.each([
    ['an unknown query parameter', { page: '3' }, ['?page unrecognized-key']],
    [
      'a limit of 0, and a malformed cursor',
      { limit: '0', cursor: '%%%' },
      ['?limit too-small', '?cursor invalid-format'],
    ],
    ['a limit in words', { limit: 'all' }, ['?limit invalid-type']],
    [
      'a cursor of another list',
      { cursor: Buffer.from('sim-aws').toString('base64url') },
      ['?cursor invalid-cursor'],
    ],
  ])(
    'a list request with %s is refused with the name of the wrong parameter',
    async (_what, query, errors) => {
      const answer = await gateway.ask({ method: 'GET', path: '/v1/namespaces/default/fleets', query });
      expect(answer.status).toBe(400);
      expect(errorsOf(answer)).toEqual(errors);
    },
  );

  it.each([
    ['GET', '/v1/nothing', 404, 'not-found'],
    ['GET', '/v1/namespaces/default/fleets/no-such-fleet', 404, 'not-found'],
    ['GET', '/v1/namespaces/default/fleets/f0000000000000000', 404, 'not-found'],
    ['DELETE', '/v1/namespaces/default/fleets', 405, 'method-not-allowed'],
    ['PUT', '/v1/namespaces', 405, 'method-not-allowed'],
    ['GET', '/v1/namespaces/default/fleets/', 404, 'not-found'],
    ['GET', '/v1/namespaces/%E0%A4%A/fleets', 400, 'invalid-request'],
    ['GET', '/v1/namespaces/NO/fleets', 400, 'invalid-request'],
  ] as const)('a request %s %s is answered %i %s', async (method, path, status, code) => {
    const answer = await gateway.ask({ method, path });
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    if (status === 405) expect(answer.headers['allow']).toMatch(/GET/);
  });

  it('a request in an unknown namespace is answered 404', async () => {
    expect(codeOf(await post(fleetBody('web'), 'nowhere'))).toBe('not-found');
    for (const list of ['fleets', 'connections']) {
      const answer = await gateway.ask({ method: 'GET', path: `/v1/namespaces/nowhere/${list}` });
      expect([answer.status, codeOf(answer)], list).toEqual([404, 'not-found']);
    }
  });
});
