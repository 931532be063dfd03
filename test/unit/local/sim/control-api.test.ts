import { beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import { createApp } from '../../../../local/sim/http/app.ts';
import { VirtualClouds } from './virtual-clouds.ts';

let clouds: VirtualClouds;
let send: (method: string, path: string, body?: unknown) => Promise<{ status: number; body: unknown }>;
beforeEach(() => {
  clouds = new VirtualClouds();
  const app = createApp({ engine: clouds.engine, waitUntil: async () => undefined });
  send = async (method, path, body) => {
    const answer = await app.request(path, {
      method,
      headers: { 'x-account': 'acc' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  };
});

test('`/_sim/books` lists the machines, network resources and calls of each site', async () => {
  clouds.create();
  clouds.create('eu-west-1');
  const { body } = await send('GET', '/_sim/books');
  expect(body).toMatchObject({
    clouds: [
      {
        cloud: 'aws',
        connection: 'acc',
        location: 'us-east-1',
        instances: [{ backendId: expect.stringMatching(/^i-0/), launchToken: 'i-1.1', status: 'Creating' }],
        networks: [{ name: 'network' }],
        securityGroups: [{ name: 'security-group' }],
        keyPairs: [{ name: 'key-pair' }],
        calls: { create: 1, ensure: 3, images: 1 },
        throttled: 0,
        limitViolations: {},
      },
      { location: 'eu-west-1' },
    ],
  });
  expect((await send('GET', '/_sim/books?location=eu-west-1')).body).toMatchObject({ clouds: { length: 1 } });
});

test('a request can add one fault or several faults, and faults can be listed and removed', async () => {
  const added = await send('POST', '/_sim/faults', { kind: 'error', call: 'verify' });
  expect(added).toMatchObject({ status: 201, body: { faults: [{ id: 'f1', cloud: '*', probability: 1 }] } });
  await send('POST', '/_sim/faults', { faults: [{ kind: 'delay' }, { kind: 'throttle', count: 3 }] });
  expect((await send('GET', '/_sim/faults')).body).toMatchObject({ faults: { length: 3 } });
  expect((await send('GET', '/clouds/aws/account')).status).toBe(500);
  expect((await send('DELETE', '/_sim/faults/f9')).status).toBe(404);
  expect((await send('DELETE', '/_sim/faults/f1')).body).toMatchObject({ faults: { length: 2 } });
  expect((await send('DELETE', '/_sim/faults')).body).toEqual({ faults: [] });
  expect((await send('GET', '/clouds/aws/account')).status).toBe(200);
  const wrong = await send('POST', '/_sim/faults', { kind: 'meteor' });
  expect(wrong).toMatchObject({ status: 400, body: { code: 'InvalidParameter' } });
});

test('a location can go down and up, an account can be revoked, and a reset undoes the revocation', async () => {
  const list = () => send('GET', '/clouds/aws/locations/us-east-1/instances');
  const site = '/_sim/clouds/aws/locations/us-east-1';
  expect(await send('POST', site, { up: false })).toMatchObject({ status: 200, body: { up: false } });
  expect((await list()).status).toBe(503);
  await send('POST', site, { up: true });
  expect((await list()).status).toBe(200);
  expect((await send('POST', '/_sim/clouds/aws/locations/nowhere', { up: true })).status).toBe(404);
  await send('PUT', '/_sim/accounts/acc', { revoked: true });
  expect(await list()).toMatchObject({ status: 403, body: { code: 'AccountRevoked' } });
  expect((await send('POST', '/_sim/reset', { seed: 12 })).body).toEqual({ ok: true, seed: 12 });
  expect((await list()).body).toEqual({ items: [], nextCursor: null });
  expect((await send('GET', '/_sim/health')).body).toMatchObject({ ok: true, seed: 12 });
});

test('a request can resize a machine, and gets 404 if the machine does not exist', async () => {
  const planted = { cloud: 'aws', connection: 'acc', location: 'us-east-1', name: 'a-machine' };
  const { body } = await send('POST', '/_sim/instances', planted);
  const { backendId } = z.object({ backendId: z.string() }).parse(body);
  const larger = { instanceType: 'm6i.xlarge' };
  expect((await send('POST', `/_sim/instances/${backendId}/type`, larger)).body).toMatchObject(larger);
  expect((await send('GET', '/_sim/books')).body).toMatchObject({
    clouds: expect.arrayContaining([
      expect.objectContaining({ instances: [expect.objectContaining({ backendId, ...larger })] }),
    ]),
  });
  expect((await send('POST', '/_sim/instances/i-none/type', larger)).status).toBe(404);
});

test('an invalid request gets 400 or 404, with the reason', async () => {
  expect(await send('GET', '/clouds/mars/account')).toMatchObject({
    status: 404,
    body: { code: 'UnknownCloud' },
  });
  expect((await send('GET', '/clouds/constructor/account')).status).toBe(404);
  expect((await send('GET', '/clouds/aws/locations/toString/images')).status).toBe(404);
  expect((await send('GET', '/clouds/aws/locations/us-east-1/instances?limit=0')).status).toBe(400);
  expect((await send('GET', '/clouds/aws/locations/us-east-1/instances?tag=novalue')).status).toBe(400);
  const { status, body } = await send('POST', '/clouds/aws/locations/us-east-1/instances', { name: 'x' });
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'InvalidParameter', message: expect.stringContaining('instanceType') });
  expect(await send('GET', '/nothing')).toMatchObject({ status: 404, body: { code: 'NoSuchRoute' } });
});
