import { describe, expect, test } from 'vitest';
import { openGate } from '../../../calls/gates.ts';
import { openstackDriver } from '../../../samples/drivers.ts';
import { type Asked, clientOf, json, REGION, tokenAnswer } from './cloud-double.ts';

const AUTH = 'POST keystone /v3/auth/tokens';
const SERVERS = 'GET nova /v2.1/servers/detail';
const noServers = () => json({ servers: [] });
const code = (expected: string) => expect.objectContaining({ code: expected });
const count = (asked: readonly Asked[], service: string) =>
  asked.filter(({ what }) => what.startsWith(service)).length;

describe("Keystone's token", () => {
  test('a token is requested once for concurrent calls, and reused until it is about to expire', async () => {
    const { client, asked } = clientOf({ [SERVERS]: noServers });
    await Promise.all([1, 2, 3].map(() => client.listInstances(REGION)));
    await client.listInstances(REGION);
    expect(count(asked, 'keystone')).toBe(1);
    const short = clientOf({ [AUTH]: () => tokenAnswer({ expiresInMs: 2 }), [SERVERS]: noServers });
    await short.client.listInstances(REGION);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await short.client.listInstances(REGION);
    expect(count(short.asked, 'keystone')).toBe(2);
  });

  test('a token that a service refuses is replaced, and the call is repeated with the new token', async () => {
    let refused = 0;
    const { client, asked } = clientOf({
      [SERVERS]: () =>
        refused++ === 0 ? json({ error: { message: 'no', title: 'Unauthorized' } }, 401) : noServers(),
    });
    expect(await client.listInstances(REGION)).toEqual([]);
    const tokens = asked
      .filter(({ what }) => what.startsWith('nova'))
      .map(({ headers }) => headers.get('x-auth-token'));
    expect(new Set(tokens).size).toBe(2);
  });

  test('a call fails as Unauthorized if the service refuses the new token, too', async () => {
    const { client, asked } = clientOf({ [SERVERS]: () => json({ error: { message: 'no' } }, 401) });
    await expect(client.listInstances(REGION)).rejects.toEqual(code('Unauthorized'));
    expect(count(asked, 'nova')).toBe(2);
  });

  test('a sign-in with a password requests a token for the project', async () => {
    const { client, asked } = clientOf({});
    await client.verifyCredential();
    expect(asked[0]?.body).toMatchObject({
      auth: {
        identity: { password: { user: { name: 'user', domain: { name: 'Default' } } } },
        scope: { project: { name: 'project', domain: { name: 'Default' } } },
      },
    });
  });
});

describe('the service catalogue', () => {
  test.each([
    ['uses http although Keystone uses https', () => 'http://nova.test', 'does not use https'],
    ['is the address of a metadata service', () => 'https://169.254.169.254/', 'link-local or metadata'],
    ['is not an http address', () => 'ftp://nova.test', 'not an http or https'],
  ])('an endpoint of the catalogue that %s is never called', async (_, urlOf, words) => {
    const { client, asked } = clientOf({ [AUTH]: () => tokenAnswer({ urlOf }) });
    await expect(client.listInstances(REGION)).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: expect.stringContaining(words),
    });
    expect(count(asked, 'nova')).toBe(0);
  });

  test('each region of the catalogue is a location, and a call for an unknown region fails as InvalidRequest', async () => {
    const { client } = clientOf({
      'GET nova /v2.1/os-availability-zone': () =>
        json({ availabilityZoneInfo: [{ zoneName: 'az1', zoneState: { available: true } }] }),
    });
    const location = { zones: ['az1'], available: true };
    expect(await client.listLocations()).toMatchObject([
      { name: REGION, ...location },
      { name: 'RegionTwo', ...location },
    ]);
    await expect(client.listOffers('nowhere')).rejects.toEqual(code('InvalidRequest'));
  });
});

test('regions that are down are listed as unavailable', async () => {
  const { client } = clientOf({ 'GET nova /v2.1/os-availability-zone': () => json({}, 503) });
  expect((await client.listLocations()).map(({ available }) => available)).toEqual([false, false]);
});

test.each([
  ['by a server that is not Keystone', 'InvalidRequest', () => json({}, 404)],
  [
    'because the application credential was deleted',
    'Unauthorized',
    () => json({ version: { id: 'v3.14' } }),
  ],
])('a sign-in that is answered with 404 %s fails as %s', async (_, expected, root) => {
  const { client } = clientOf({
    [AUTH]: () => json({ error: { message: 'none' } }, 404),
    'GET keystone /v3/': root,
  });
  await expect(client.verifyCredential()).rejects.toEqual(code(expected));
});

test.each([
  {},
  { username: 'u' },
  { applicationCredentialId: 'a' },
  { applicationCredentialId: 'a', password: 'b' },
])('the driver refuses to connect with the incomplete credential %o', (credential) => {
  const options = { cloud: 'openstack', endpoint: 'https://k.test', deploymentId: 'test' } as const;
  expect(() => openstackDriver.connect({ ...options, credential, calls: openGate })).toThrow(
    code('InvalidRequest'),
  );
});
