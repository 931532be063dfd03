import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DEPLOYMENT_TAG, INSTANCE_TAG } from '../../../../functions/drivers/contract/driver.ts';
import type { SimServer } from '../../../../local/sim/serve.ts';
import { openGate } from '../../../calls/gates.ts';
import { simDriver } from '../../../samples/drivers.ts';
import { connect, DEPLOYMENT, idOf, LOCATION, prepare, startQuickServer } from './sim-server.ts';

let server: SimServer;
beforeAll(async () => {
  server = await startQuickServer({ pageSize: 5 });
});
beforeEach(() => server.engine.reset());
afterAll(() => server.close());

describe('connect', () => {
  const options = { cloud: 'aws', credential: { account: 'acc' }, deploymentId: DEPLOYMENT } as const;

  test.each([
    ['no endpoint', options],
    ['an endpoint that is not an http address', { ...options, endpoint: 'ftp://127.0.0.1' }],
    ['no account', { ...options, credential: { apiKey: 'x' }, endpoint: 'http://127.0.0.1:1' }],
    [
      'an API key with characters that a header cannot contain',
      { ...options, credential: { account: 'a', apiKey: 'ü x' }, endpoint: 'http://h' },
    ],
  ])('the sim driver refuses to connect with %s', (_, refused) => {
    expect(() => simDriver.connect({ ...refused, calls: openGate })).toThrow(
      expect.objectContaining({ code: 'InvalidRequest' }),
    );
  });
});

describe("the sim driver's catalogue", () => {
  test('verifyCredential returns the account of the credential and the limits of its cloud', async () => {
    expect(await connect(server).verifyCredential()).toMatchObject({
      limits: { concurrentInstancesPerLocation: 20, calls: { create: { perSecond: 5, burst: 20 } } },
      account: 'acc',
    });
  });

  test('a location is listed with its display name, country, zones and availability', async () => {
    const locations = await connect(server).listLocations();
    expect(locations).toHaveLength(12);
    expect(locations.find(({ name }) => name === 'eu-central-1')).toMatchObject({
      displayName: 'Europe (Frankfurt)',
      country: 'DEU',
      zones: ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'],
      available: true,
    });
  });

  test('offers are read to the last page, and their prices differ by location', async () => {
    const client = connect(server);
    const { instanceTypes, offers } = await client.listOffers('sa-east-1');
    expect(instanceTypes.length).toBeGreaterThan(5);
    expect(instanceTypes.filter(({ gpu }) => gpu)).not.toHaveLength(0);
    const priceOf = (list: typeof offers) =>
      list.find((one) => one.instanceType === 'm6i.large')?.priceUsdPerHour;
    expect(offers.find((one) => one.instanceType === 'm6i.large')?.id).toBe('sa-east-1-noZone-m6i.large');
    expect(priceOf(offers)).toBeGreaterThan(
      priceOf((await client.listOffers('us-east-1')).offers) ?? Infinity,
    );
  });

  test('an image has the same name and a different id at each location', async () => {
    const client = connect(server);
    const [one, other] = await Promise.all(['us-east-1', 'eu-west-1'].map((at) => client.listImages(at)));
    expect(one?.map(({ name }) => name)).toEqual(other?.map(({ name }) => name));
    expect(one?.[0]?.backendId).toMatch(/^ami-0[0-9a-f]{16}$/);
    expect(one?.[0]?.backendId).not.toBe(other?.[0]?.backendId);
  });
});

describe("the sim driver's instances", () => {
  test('an instance is first Creating, then Running with an address, and no longer exists after its termination', async () => {
    const client = connect(server);
    const { spec } = await prepare(client);
    const made = await client.createInstance(spec(1));
    expect(made).toMatchObject({ status: 'Creating', instanceId: idOf(1), launchToken: `${idOf(1)}.1` });
    expect(made.publicIp).toBeUndefined();
    await vi.waitFor(async () => {
      const running = await client.getInstance(LOCATION, made.backendId);
      expect(running.status).toBe('Running');
      expect(running.publicIp).toMatch(/^198\.1[89]\./);
    });
    await client.terminateInstance(LOCATION, made.backendId);
    expect((await client.getInstance(LOCATION, made.backendId)).status).toBe('Terminating');
    await vi.waitFor(async () => expect(await client.listInstances(LOCATION)).toEqual([]));
    await expect(client.getInstance(LOCATION, made.backendId)).rejects.toMatchObject({ code: 'NotFound' });
    await client.terminateInstance(LOCATION, made.backendId);
  });

  test("instances are tagged with their deployment, and listInstances returns only those of the client's deployment", async () => {
    const client = connect(server);
    const { spec } = await prepare(client);
    for (let n = 0; n < 7; n += 1) await client.createInstance(spec(n));
    const other = simDriver.connect({
      cloud: 'aws',
      credential: { account: 'acc' },
      endpoint: server.url,
      calls: openGate,
      deploymentId: 'another',
    });
    await other.createInstance(spec(100));
    const listed = await client.listInstances(LOCATION);
    expect(listed.map(({ instanceId }) => instanceId)).toEqual([0, 1, 2, 3, 4, 5, 6].map(idOf));
    const books = await fetch(`${server.url}/_sim/books`).then((answer) => answer.json());
    expect(books).toMatchObject({ clouds: [{ instances: { length: 8 } }] });
    expect(books).toHaveProperty('clouds.0.instances.0.tags', {
      [DEPLOYMENT_TAG]: DEPLOYMENT,
      [INSTANCE_TAG]: idOf(0),
    });
  });

  test('concurrent creates with the same token return the same instance', async () => {
    const client = connect(server);
    const { spec } = await prepare(client);
    const made = await Promise.all([1, 1, 1].map((n) => client.createInstance(spec(n))));
    expect(new Set(made.map(({ backendId }) => backendId)).size).toBe(1);
    expect((await client.findInstanceByToken(LOCATION, `${idOf(1)}.1`))?.backendId).toBe(made[0]?.backendId);
    expect(await client.findInstanceByToken(LOCATION, `${idOf(2)}.1`)).toBeUndefined();
  });
});

describe("the sim driver's network resources", () => {
  test('a network resource is made once for each name, and cannot be deleted while a resource or instance uses it', async () => {
    const client = connect(server);
    const first = await prepare(client);
    const again = await prepare(client);
    expect(again.network).toEqual(first.network);
    expect(again.group).toEqual(first.group);
    expect(again.key).toEqual(first.key);
    expect(first.network.subnetBackendId).toMatch(/^subnet-/);
    expect(await client.findNetworkResource(LOCATION, 'security-group', 'group')).toBe(first.group.backendId);
    expect(await client.findNetworkResource(LOCATION, 'network', 'group')).toBeUndefined();

    const { backendId } = await client.createInstance(first.spec(1));
    const conflict = { code: 'Conflict' };
    await expect(client.deleteNetwork(LOCATION, first.network.backendId)).rejects.toMatchObject(conflict);
    await expect(client.deleteSecurityGroup(LOCATION, first.group.backendId)).rejects.toMatchObject(conflict);
    await expect(client.deleteKeyPair(LOCATION, first.key.backendId)).rejects.toMatchObject(conflict);
    await client.terminateInstance(LOCATION, backendId);
    await vi.waitFor(() => client.deleteKeyPair(LOCATION, first.key.backendId));
    await expect(client.deleteNetwork(LOCATION, first.network.backendId)).rejects.toMatchObject(conflict);
    await client.deleteSecurityGroup(LOCATION, first.group.backendId);
    await client.deleteNetwork(LOCATION, first.network.backendId);
    await client.deleteNetwork(LOCATION, first.network.backendId);
  });
});

describe('addresses of the sim driver’s machines', () => {
  test('a machine whose spec says so has no public address', async () => {
    const client = connect(server);
    const { spec } = await prepare(client);
    const { backendId } = await client.createInstance(spec(1, { publicIp: false }));
    const running = await vi.waitFor(async () => {
      const machine = await client.getInstance(LOCATION, backendId);
      expect(machine.status).toBe('Running');
      return machine;
    });
    expect(running).not.toHaveProperty('publicIp');
    expect(running.privateIp).toMatch(/^10\.0\./);
  });
});
