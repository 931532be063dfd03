import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { handleBatch } from '../../../functions/entrypoints/dispatch/handle-batch.ts';
import { readCredential } from '../../../functions/platform/secrets/stored-credentials.ts';
import { makeContext } from '../../../functions/platform/worker/make-context.ts';
import { loadSimConfig } from '../../../local/sim/engine/config.ts';
import { type SimServer, startSimServer } from '../../../local/sim/serve.ts';
import { simDriver } from '../../samples/drivers.ts';
import { delivery } from '../one-process.ts';
import { useTables } from '../tables.ts';
import { furnish } from './furnish.ts';
import { Gateway } from './gateway.ts';

const store = useTables();
const gateway = new Gateway(store);
const { errorsOf } = Gateway;
const path = '/v1/namespaces/default/connections';
const NAME = 'own-network';
const made = z.object({ backendId: z.string() });
const listed = z.object({ items: z.array(z.object({ subnetId: z.string() })) });
let sim: SimServer;
let given: object;

async function plant(resource: object): Promise<z.infer<typeof made>> {
  const response = await fetch(`${sim.url}/_sim/resources`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ cloud: 'aws', connection: NAME, location: 'us-east-1', ...resource }),
  });
  expect(response.status).toBeLessThan(300);
  return made.parse(await response.json());
}

/** Reads the subnet of a network by the API of the cloud. */
async function subnetOf(networkId: string, apiKey: string): Promise<string> {
  const url = `${sim.url}/clouds/aws/locations/us-east-1/networks?ids=${networkId}`;
  const response = await fetch(url, { headers: { 'x-account': NAME, authorization: `Bearer ${apiKey}` } });
  return listed.parse(await response.json()).items[0]?.subnetId ?? '';
}

/** A worker process with its own clients and caches. */
function worker() {
  const ignore = () => undefined;
  return makeContext({
    store,
    driver: simDriver,
    writerId: 'test-writer',
    outside: { read: () => Promise.resolve(undefined) },
    readDeploymentId: () => Promise.resolve('test-deployment'),
    timeLimitMs: 20_000,
    sharedNetworks: { graceMs: 0, pool: '10.0.0.0/8' },
    readCredential: (connection) => readCredential(gateway.ssm, gateway.secretsPrefix, connection),
    send: () => Promise.resolve(),
    hide: () => Promise.resolve(),
    tasks: { succeed: async () => {}, fail: async () => {}, heartbeat: async () => true },
    publish: () => Promise.resolve(),
    log: { info: ignore, warn: ignore, error: (message, detail) => console.error(message, detail) },
  });
}

const put = (json: object) => gateway.ask({ method: 'PUT', path: `${path}/${NAME}/network`, json });
const get = async () => (await gateway.ask({ method: 'GET', path: `${path}/${NAME}` })).body;
/** Delivers a message that the API sent, as the queue would. */
const deliver = async (message: unknown = gateway.sent.at(-1)) =>
  await handleBatch(worker(), [delivery(JSON.stringify(message))]);

beforeAll(async () => {
  sim = await startSimServer({ config: loadSimConfig(), port: 0, seed: 7, timeScale: 100 });
  await furnish(store, 'default');
  const credential = { account: NAME, apiKey: 'key-one-and-secret' };
  const body = { name: NAME, driver: 'sim', cloud: 'aws', endpoint: sim.url, credential };
  expect((await gateway.ask({ method: 'POST', path, json: body })).status).toBe(201);
  const rule = { method: 'PUT', headers: { 'content-type': 'application/json' } };
  const account = JSON.stringify({ apiKey: credential.apiKey });
  await fetch(`${sim.url}/_sim/accounts/${NAME}`, { ...rule, body: account });
  await deliver();
  const network = await plant({ kind: 'network', name: 'users' });
  const group = await plant({ kind: 'security-group', name: 'group', networkId: network.backendId });
  given = {
    networkId: network.backendId,
    subnetIds: { 'us-east-1a': await subnetOf(network.backendId, credential.apiKey) },
    securityGroupIds: [group.backendId],
  };
});
afterAll(async () => await sim.close());

describe('the default network of a connection', () => {
  it('is in force only after a worker has verified it, and a repeated message changes nothing', async () => {
    const network = { mode: 'existing', existing: { 'us-east-1': given } };
    const asked = await put(network);
    expect([asked.status, asked.body]).toMatchObject([
      202,
      { networkChange: { network, status: 'Verifying' } },
    ]);
    const message = gateway.sent.at(-1);
    expect(message).toMatchObject({ kind: 'verify-network', connectionKey: `sim/default/${NAME}` });
    expect(await get()).not.toHaveProperty('network');
    expect(await deliver(message)).toEqual([]);
    const after = await get();
    expect(after).toMatchObject({ network });
    expect(after).not.toHaveProperty('networkChange');
    expect(await deliver(message)).toEqual([]);
    expect(await get()).toMatchObject({ network });
  });

  it('that the cloud refuses is shown with each fault, and the earlier one stays in force', async () => {
    const before = z.looseObject({ network: z.unknown() }).parse(await get()).network;
    const wrong = { ...given, networkId: 'vpc-none' };
    await put({ mode: 'existing', existing: { 'us-east-1': wrong } });
    await deliver();
    expect(await get()).toMatchObject({
      network: before,
      networkChange: {
        status: 'Failed',
        errors: [{ pointer: '/existing/us-east-1/networkId', code: 'unknown-network' }],
      },
    });
  });

  it('is that of the later of two requests, even if the message of the earlier one comes last', async () => {
    await put({ mode: 'existing', existing: { 'us-east-1': { ...given, networkId: 'vpc-none' } } });
    const earlier = gateway.sent.at(-1);
    const network = { mode: 'existing', existing: { 'us-east-1': given } };
    await put(network);
    await deliver();
    await deliver(earlier);
    expect(await get()).toMatchObject({ network });
    expect(await get()).not.toHaveProperty('networkChange');
  });

  it('without existing networks is in force immediately, and ends a verification that is under way', async () => {
    await put({ mode: 'existing', existing: { 'us-east-1': given } });
    const message = gateway.sent.at(-1);
    expect((await put({ mode: 'dedicated' })).body).toMatchObject({ network: { mode: 'dedicated' } });
    await deliver(message);
    expect(await get()).toMatchObject({ network: { mode: 'dedicated' } });
  });

  it.each([
    ['an unknown mode', { mode: 'none' }, '/mode'],
    ['no entry', { mode: 'existing' }, '/existing'],
    [
      'no security group',
      { mode: 'existing', existing: { east: { networkId: 'n' } } },
      '/existing/east/securityGroupIds',
    ],
    [
      'an id with a space',
      { mode: 'existing', existing: { east: { networkId: 'a b', securityGroupIds: ['g'] } } },
      '/existing/east/networkId',
    ],
  ])('with %s is refused with the field', async (_what, body, pointer) => {
    const answer = await put(body);
    expect(answer.status).toBe(400);
    expect(errorsOf(answer).map((one) => one.split(' ')[0])).toContain(pointer);
  });
});
