import { describe, expect, test } from 'vitest';
import type { InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { machineName } from '../../../../functions/drivers/contract/names.ts';
import { instanceId } from '../../../../functions/model/identifiers.ts';
import { clientOf, fault, json, PASSWORD, REGION } from './cloud-double.ts';

const idOf = (n: number) => instanceId({ fleetId: 'f0123456789abcdef', index: n });
const CREATE = 'POST nova /v2.1/servers';
const LIST = 'GET nova /v2.1/servers/detail';
const code = (expected: string) => expect.objectContaining({ code: expected });

const server = (n: number, over: object = {}) => ({
  id: `s${n}`,
  name: machineName('test', `${idOf(n)}.1`),
  status: 'ACTIVE',
  created: '2026-01-01T00:00:00Z',
  metadata: {},
  ...over,
});

const catalogue = {
  'GET nova /v2.1/flavors/detail': () =>
    json({ flavors: [{ id: 'f1', name: 'm1.small', vcpus: 1, ram: 512, disk: 10 }] }),
  'GET glance /v2/images/i1': () => json({ id: 'i1', status: 'active', created_at: 'x' }),
  'GET glance /v2/images/arm': () =>
    json({ id: 'arm', status: 'active', created_at: 'x', architecture: 'aarch64' }),
};
const spec = (over: Partial<InstanceSpec> = {}): InstanceSpec => ({
  location: REGION,
  instanceId: idOf(1),
  launchToken: `${idOf(1)}.1`,
  instanceType: 'm1.small',
  imageBackendId: 'i1',
  networkBackendId: 'n1',
  securityGroupBackendIds: ['g1'],
  keyPairBackendId: 'k1',
  tags: { 'team/x': 'y' },
  ...over,
});

describe('createInstance', () => {
  test('a create request states the owner in metadata and name, and has the user data in base64', async () => {
    const { client, asked } = clientOf({ ...catalogue, [CREATE]: () => json({ server: { id: 's1' } }, 202) });
    expect(await client.createInstance(spec({ userData: 'ünï' }))).toMatchObject({
      backendId: 's1',
      status: 'Creating',
    });
    expect(asked.find(({ method, what }) => method === 'POST' && what.startsWith('nova'))?.body).toEqual({
      server: {
        name: machineName('test', `${idOf(1)}.1`),
        flavorRef: 'f1',
        imageRef: 'i1',
        networks: [{ uuid: 'n1' }],
        security_groups: [{ name: 'g1' }],
        key_name: 'k1',
        user_data: Buffer.from('ünï').toString('base64'),
        tags: [`${idOf(1)}.1`],
        metadata: {
          'team:x': 'y',
          'fleetwright:deployment': 'test',
          'fleetwright:instance': idOf(1),
          'fleetwright:launch-token': `${idOf(1)}.1`,
          'fleetwright:network': 'n1',
          'fleetwright:security-group': 'g1',
        },
      },
    });
  });

  test.each([
    ['an unknown type', { instanceType: 'none' }],
    ['an unknown image', { imageBackendId: 'none' }],
    ['an image for another architecture', { imageBackendId: 'arm' }],
    ["a root disk larger than the type's disk, at a cloud without volumes", { rootDisk: { sizeGb: 11 } }],
  ])('a create with %s is refused before any POST to Nova', async (_, over) => {
    const { client, asked } = clientOf(catalogue);
    await expect(client.createInstance(spec(over))).rejects.toEqual(code('InvalidRequest'));
    expect(asked.some(({ method, what }) => method === 'POST' && what.startsWith('nova'))).toBe(false);
  });

  test('a create fails as Unauthorized if its token is refused, and as OutcomeUnknown if the server or connection fails', async () => {
    const refused = clientOf({ ...catalogue, [CREATE]: () => json({}, 401) });
    await expect(refused.client.createInstance(spec())).rejects.toEqual(code('Unauthorized'));
    const broken = clientOf({ ...catalogue, [CREATE]: () => json({}, 500) });
    await expect(broken.client.createInstance(spec())).rejects.toEqual(code('OutcomeUnknown'));
    const reset = clientOf({ ...catalogue, [CREATE]: () => Promise.reject(new TypeError('fetch failed')) });
    await expect(reset.client.createInstance(spec())).rejects.toEqual(code('OutcomeUnknown'));
  });

  test('the error of a create does not repeat the user data or the password', async () => {
    const userData = Buffer.from('secret').toString('base64');
    const answer = () =>
      fault('badRequest', 400, `user_data. Value: ${userData}. ${PASSWORD} is not a base64`);
    const { client } = clientOf({ ...catalogue, [CREATE]: answer });
    const error: unknown = await client
      .createInstance(spec({ userData: 'secret' }))
      .catch((reason) => reason);
    expect(String(error)).not.toContain(userData);
    expect(String(error)).not.toContain(PASSWORD);
  });
});

describe('a server in ERROR', () => {
  test.each([
    [
      "Quota exceeded for resources: ['cores', 'instances']",
      { failureCode: 'QuotaExceeded', failureQuota: { of: 'instances' } },
    ],
    [
      'Quota exceeded for cores: Requested 4, but already used 20 of 20 cores',
      { failureCode: 'QuotaExceeded', failureQuota: { of: 'vcpus', limit: 20, used: 20, requested: 4 } },
    ],
    [
      'Resource class:VCPU is over limit of 20 due to current usage 24 and delta 0',
      { failureCode: 'QuotaExceeded', failureQuota: { of: 'vcpus', limit: 20, used: 24, requested: 0 } },
    ],
    [
      'Build of instance 0f1e aborted: Maximum number of ports exceeded',
      { failureCode: 'QuotaExceeded', failureQuota: { of: 'addresses' } },
    ],
    [
      'Build of instance 0f1e aborted: VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded',
      { failureCode: 'QuotaExceeded', failureQuota: { of: 'volumes' } },
    ],
    ['No valid host was found.', {}],
    ['Exceeded maximum number of retries. Exceeded max scheduling attempts 3', {}],
  ])('has the code and the quota that its fault tells: %s', async (message, told) => {
    const broken = server(1, { status: 'ERROR', fault: { code: 500, message } });
    const { client } = clientOf({ [LIST]: () => json({ servers: [broken] }) });
    const [instance] = await client.listInstances(REGION);
    const { failureMessage, failureCode, failureQuota } = instance ?? {};
    expect({ failureMessage, failureCode, failureQuota }).toEqual({ failureMessage: message, ...told });
  });
});

describe('listInstances', () => {
  test("a list is read to its last page, and contains each server of the client's deployment exactly once", async () => {
    const pages: Record<string, object> = {
      '': { servers: [server(1), server(2)], servers_links: [{ rel: 'next', href: 'https://evil.test' }] },
      s2: {
        servers: [server(2), server(3, { metadata: { 'fleetwright:deployment': 'other' } })],
        servers_links: [],
      },
    };
    const { client } = clientOf({
      [LIST]: ({ what }) => json(pages[new URL(`x:${what.split(' ')[1]}`).searchParams.get('marker') ?? '']),
    });
    expect((await client.listInstances(REGION)).map(({ backendId }) => backendId)).toEqual(['s1', 's2']);
  });

  test('a list is read again from its first page if the last server of a page no longer exists', async () => {
    let calls = 0;
    const { client } = clientOf({
      [LIST]: ({ what }) => {
        if (what.includes('marker')) return fault('badRequest', 400, 'marker [s1] not found');
        return calls++ === 0
          ? json({ servers: [server(1)], servers_links: [{ rel: 'next', href: '' }] })
          : json({ servers: [server(2)] });
      },
    });
    expect((await client.listInstances(REGION)).map(({ backendId }) => backendId)).toEqual(['s2']);
  });

  test('a list fails as Unavailable if it lacks the details of servers because a cell of Nova is down', async () => {
    const { client } = clientOf({
      [LIST]: () => json({ servers: [server(1), { id: 's2', status: 'UNKNOWN' }] }),
    });
    await expect(client.listInstances(REGION)).rejects.toEqual(code('Unavailable'));
  });

  test('a list contains each server with its addresses, zone, type and failure message', async () => {
    const failed = server(1, {
      status: 'ERROR',
      'OS-EXT-AZ:availability_zone': 'az1',
      flavor: { original_name: 'm1.small' },
      fault: { code: 500, message: 'No valid host was found.' },
      addresses: {
        net: [
          { addr: 'fd00::1', version: 6, 'OS-EXT-IPS:type': 'fixed' },
          { addr: '10.0.0.2', version: 4, 'OS-EXT-IPS:type': 'fixed' },
          { addr: '203.0.113.9', version: 4, 'OS-EXT-IPS:type': 'floating' },
        ],
      },
    });
    const { client } = clientOf({ [LIST]: () => json({ servers: [failed] }) });
    expect(await client.listInstances(REGION)).toEqual([
      {
        backendId: 's1',
        instanceId: idOf(1),
        launchToken: `${idOf(1)}.1`,
        status: 'Failed',
        zone: 'az1',
        instanceType: 'm1.small',
        publicIp: '203.0.113.9',
        privateIp: '10.0.0.2',
        ipv6: 'fd00::1',
        createdAtMs: Date.UTC(2026, 0, 1),
        cloudStatus: 'ERROR',
        failureMessage: 'No valid host was found.',
      },
    ]);
  });
});

test('a search by launch token returns only a server with that token, and the first server if there are two', async () => {
  const { client, asked } = clientOf({
    [LIST]: () => json({ servers: [server(1), { ...server(1), id: 's9' }] }),
  });
  expect((await client.findInstanceByToken(REGION, `${idOf(1)}.1`))?.backendId).toBe('s1');
  expect(asked.at(-1)?.what).toContain(`tags=${idOf(1)}.1`);
  expect(await client.findInstanceByToken(REGION, `${idOf(1)}.2`)).toBeUndefined();
});

test('if a machine id would lead to another path, a get fails as NotFound without a call to Nova, and a termination succeeds', async () => {
  const { client, asked } = clientOf({});
  await expect(client.getInstance(REGION, '..')).rejects.toEqual(code('NotFound'));
  await client.terminateInstance(REGION, '..');
  expect(asked.some(({ what }) => what.startsWith('nova'))).toBe(false);
  await client.terminateInstance(REGION, 'gone');
});
