import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Driver } from '../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import { handleBatch } from '../../../functions/entrypoints/dispatch/handle-batch.ts';
import { markRefused } from '../../../functions/features/connections/mark-failed.ts';
import { REQUEST_MORE } from '../../../functions/model/limit-tiers.ts';
import { CAUTIOUS_PROFILES, GRANTED_PROFILES } from '../../../functions/model/peer-limits.ts';
import { recordFeedback } from '../../../functions/platform/governor/create-feedback.ts';
import { permitCreates } from '../../../functions/platform/governor/permit-creates.ts';
import { releaseSlots } from '../../../functions/platform/governor/release-slots.ts';
import {
  credentialParameter,
  readCredential,
} from '../../../functions/platform/secrets/stored-credentials.ts';
import { readConnection } from '../../../functions/platform/store/connections.ts';
import { startLoop } from '../../../functions/platform/store/loops.ts';
import type { WorkerContext } from '../../../functions/platform/worker/context.ts';
import { makeContext } from '../../../functions/platform/worker/make-context.ts';
import type { DriverMessage } from '../../../functions/platform/workflow/messages.ts';
import { loadSimConfig } from '../../../local/sim/engine/config.ts';
import { type SimServer, startSimServer } from '../../../local/sim/serve.ts';
import { simDriver } from '../../samples/drivers.ts';
import { delivery } from '../one-process.ts';
import { useTables } from '../tables.ts';
import { fleetBody, furnish } from './furnish.ts';
import { Gateway } from './gateway.ts';

const store = useTables();
const gateway = new Gateway(store);
const { errorsOf, codeOf } = Gateway;
const path = '/v1/namespaces/default/connections';
let sim: SimServer;

beforeAll(async () => {
  sim = await startSimServer({ config: loadSimConfig(), port: 0, seed: 7, timeScale: 100 });
  await furnish(store, 'default');
});
afterAll(async () => await sim.close());

/** Opens a worker process with its own clients and caches. */
function worker(driver: Driver = simDriver): WorkerContext {
  const ignore = () => undefined;
  return makeContext({
    store,
    driver,
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

const verifyMessage = z.looseObject({ kind: z.literal('verify') });
/** Delivers the last message that the API sent, as the queue would. */
async function deliver(context: WorkerContext, message: DriverMessage | undefined = gateway.sent.at(-1)) {
  verifyMessage.parse(message);
  expect(await handleBatch(context, [delivery(JSON.stringify(message))])).toEqual([]);
}

const keyOf = (name: string) => `sim/default/${name}`;
const get = async (name: string) => (await gateway.ask({ method: 'GET', path: `${path}/${name}` })).body;
const post = (name: string, verb: string) => gateway.ask({ method: 'POST', path: `${path}/${name}/${verb}` });
const rotate = (name: string, apiKey: string) =>
  gateway.ask({
    method: 'PUT',
    path: `${path}/${name}/credential`,
    json: { credential: { account: name, apiKey } },
  });
/** Sets which credential the simulated clouds require for an account from now on. */
async function accountTakes(account: string, rule: { apiKey?: string; revoked?: boolean }): Promise<void> {
  const answer = await fetch(`${sim.url}/_sim/accounts/${account}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(rule),
  });
  expect(answer.status).toBe(200);
}

async function registered(name: string, apiKey = 'key-one-and-secret'): Promise<WorkerContext> {
  const json = {
    name,
    driver: 'sim',
    cloud: 'aws',
    endpoint: sim.url,
    credential: { account: name, apiKey },
  };
  expect((await gateway.ask({ method: 'POST', path, json })).status).toBe(201);
  const context = worker();
  await deliver(context);
  return context;
}

describe('verification', () => {
  it('a connection whose key the cloud refuses is Failed, and Ready after a verification that succeeds', async () => {
    await accountTakes('verified', { apiKey: 'key-one-and-secret' });
    const context = await registered('verified', 'another-secret');
    expect(await get('verified')).toMatchObject({ status: 'Failed', failure: { code: 'Unauthorized' } });
    expect(JSON.stringify(await get('verified'))).not.toContain('another-secret');
    await accountTakes('verified', { apiKey: 'another-secret' });
    expect((await post('verified', 'verify')).body).toMatchObject({ status: 'Verifying' });
    await deliver(context);
    expect(await get('verified')).toMatchObject({ status: 'Ready', verifiedAt: expect.any(String) });
    expect(await get('verified')).not.toHaveProperty('failure');
  });

  it('after a scheduled verification, a connection is Failed if the cloud refused its credential, but not if the cloud gave no answer', async () => {
    const good = await registered('scheduled');
    const scheduled = { kind: 'verify', connectionKey: keyOf('scheduled'), sync: false } as const;
    const unreachable = worker({
      ...simDriver,
      connect: (options) =>
        Object.assign(simDriver.connect(options), {
          verifyCredential: () => Promise.reject(new DriverError('Unavailable', 'no answer')),
        }),
    });
    await deliver(unreachable, scheduled);
    expect(await get('scheduled')).toMatchObject({ status: 'Ready' });
    await accountTakes('scheduled', { revoked: true });
    await deliver(good, scheduled);
    expect(await get('scheduled')).toMatchObject({ status: 'Failed', failure: { code: 'Unauthorized' } });
    await accountTakes('scheduled', {});
    await deliver(good, scheduled);
    expect(await get('scheduled')).toMatchObject({ status: 'Ready' });
  });
});

describe('rotation', () => {
  it('a rotation to a refused credential fails, and the old credential stays in use', async () => {
    await accountTakes('careful', { apiKey: 'key-one-and-secret' });
    const context = await registered('careful');
    const asked = await rotate('careful', 'key-two-and-secret');
    expect([asked.status, asked.body]).toMatchObject([
      202,
      { status: 'Ready', credentialVersion: 1, rotation: { version: 2, status: 'Verifying' } },
    ]);
    const opened = await worker().open(keyOf('careful'));
    await expect(opened.client.verifyCredential()).resolves.toMatchObject({ account: 'careful' });
    await deliver(context);
    expect(await get('careful')).toMatchObject({
      status: 'Ready',
      credentialVersion: 1,
      rotation: { status: 'Failed', failure: { code: 'Unauthorized' } },
    });
    const after = await worker().open(keyOf('careful'));
    await expect(after.client.verifyCredential()).resolves.toMatchObject({ account: 'careful' });
    expect(JSON.stringify([asked, await get('careful'), gateway.logged])).not.toMatch(/key-(one|two)/);
  });

  it('after a rotation, a worker that has cached the old credential uses the new credential, and no call fails', async () => {
    const context = await registered('gapless');
    const busy = worker();
    const before = await busy.open(keyOf('gapless'));
    await rotate('gapless', 'key-two-and-secret');
    await deliver(context);
    const now = await get('gapless');
    expect(now).toMatchObject({ status: 'Ready', credentialVersion: 2 });
    expect(now).not.toHaveProperty('rotation');
    await accountTakes('gapless', { apiKey: 'key-two-and-secret' });
    const refusal = await before.client.listInstances('us-east-1').catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'Unauthorized' });
    const failure = { code: 'Unauthorized', message: 'refused' };
    expect(await markRefused(busy, before.connection, failure)).toBe(false);
    expect(await get('gapless')).toMatchObject({ status: 'Ready' });
    const after = await busy.open(keyOf('gapless'));
    await expect(after.client.listInstances('us-east-1')).resolves.toEqual([]);
    expect(await markRefused(busy, after.connection, failure)).toBe(true);
    expect(await get('gapless')).toMatchObject({ status: 'Failed' });
  });

  it('the credential of the later of two rotations is in use in the end, whichever rotation is verified first', async () => {
    const context = await registered('hasty');
    await rotate('hasty', 'key-two-and-secret');
    const earlier = gateway.sent.at(-1);
    await rotate('hasty', 'key-three-secret');
    const later = gateway.sent.at(-1);
    await deliver(context, later);
    await deliver(context, earlier);
    await deliver(context, later);
    expect(await get('hasty')).toMatchObject({ status: 'Ready', credentialVersion: 3 });
    const connection = await readConnection(store, 'default', 'hasty');
    if (!connection) throw new Error('the connection has no record');
    const Name = `${credentialParameter(gateway.secretsPrefix, connection)}:3`;
    const { Parameter } = await gateway.ssm.send(new GetParameterCommand({ Name, WithDecryption: true }));
    expect(Parameter?.Value).toContain('key-three-secret');
  });

  it.each([
    ['an unknown field', { account: 'a', user: 'x' }, ['/credential/user unrecognized-key']],
    ['no fields', {}, ['/credential/account missing']],
  ])(
    'a rotation to a credential with %s is refused and begins no rotation',
    async (_what, credential, errors) => {
      const answer = await gateway.ask({
        method: 'PUT',
        path: `${path}/sim-aws/credential`,
        json: { credential },
      });
      expect([answer.status, errorsOf(answer)]).toEqual([400, errors]);
      expect(await get('sim-aws')).not.toHaveProperty('rotation');
    },
  );
});

describe('a disabled connection', () => {
  it('a disabled connection refuses fleets and stays Disabled until it is enabled with a good credential', async () => {
    const context = await registered('paused');
    expect((await post('paused', 'disable')).body).toMatchObject({ status: 'Disabled' });
    expect((await post('paused', 'disable')).status).toBe(200);
    const fleet = await gateway.ask({
      method: 'POST',
      path: '/v1/namespaces/default/fleets',
      json: fleetBody('refused', { connection: 'paused' }),
    });
    expect([fleet.status, errorsOf(fleet)]).toEqual([400, ['/nodeGroups/0/connection connection-not-ready']]);
    await post('paused', 'verify');
    await deliver(context);
    expect(await get('paused')).toMatchObject({ status: 'Disabled' });
    await rotate('paused', 'key-two-and-secret');
    await deliver(context);
    expect(await get('paused')).toMatchObject({ status: 'Disabled', credentialVersion: 2 });
    await accountTakes('paused', { revoked: true });
    const opened = await context.open(keyOf('paused'));
    expect(await markRefused(context, opened.connection, { code: 'Unauthorized', message: 'no' })).toBe(true);
    expect(await get('paused')).toMatchObject({ status: 'Disabled' });
    await post('paused', 'enable');
    await deliver(context);
    expect(await get('paused')).toMatchObject({ status: 'Failed' });
    await accountTakes('paused', {});
    await post('paused', 'verify');
    await deliver(context);
    expect((await readConnection(store, 'default', 'paused'))?.status).toBe('Ready');
    expect((await post('paused', 'enable')).body).toMatchObject({ status: 'Ready' });
  });
});

describe('limits', () => {
  const put = (json: unknown, name = 'sim-aws') =>
    gateway.ask({ method: 'PUT', path: `${path}/${name}/limits`, json });

  it('each limit can be overridden separately, and an empty override restores the defaults', async () => {
    const calls = { create: { perSecond: 1, burst: 2 } };
    expect((await put({ concurrentLocations: 3, calls })).body).toMatchObject({
      limits: { concurrentLocations: 3 },
      limitProfile: {
        concurrentLocations: 3,
        concurrentInstancesPerLocation: 20,
        calls: { create: { perSecond: 1, burst: 2 }, list: { perSecond: 10 } },
      },
    });
    expect((await put({ concurrentInstancesPerLocation: 5 })).body).toMatchObject({
      limitProfile: { concurrentLocations: 30, concurrentInstancesPerLocation: 5 },
    });
    const reset = (await put({})).body;
    expect(reset).toMatchObject({ limitProfile: { concurrentInstancesPerLocation: 20 } });
    expect(reset).not.toHaveProperty('limits');
  });

  it('the limits of a connection are shown with the defaults, the power profile and how to ask for more', async () => {
    const show = async () => (await gateway.ask({ method: 'GET', path: `${path}/sim-aws/limits` })).body;
    const defaults = CAUTIOUS_PROFILES.aws;
    const power = GRANTED_PROFILES.aws;
    expect(await show()).toEqual({
      cloud: 'aws',
      tier: 'default',
      profile: defaults,
      override: {},
      cautious: CAUTIOUS_PROFILES.aws,
      defaults,
      power,
      sources: [expect.objectContaining({ limits: 'all', isEstimate: false })],
      requestMore: REQUEST_MORE.aws,
      quotas: [],
      quotaLocationsLeftOut: 0,
      governor: { locationsInUse: { taken: 0, of: 30 }, budgets: [], locations: [], locationsLeftOut: 0 },
    });
    const actions = { 'ec2:TerminateInstances': { calls: { perSecond: 1, burst: 1 } } };
    const foreign = await put({ actions });
    expect([foreign.status, errorsOf(foreign)]).toEqual([
      400,
      ['/actions/ec2:TerminateInstances unknown-action'],
    ]);
    const override = { tier: 'power', createsPerDay: 50, totals: { vcpus: 64 } };
    expect((await put(override)).status).toBe(200);
    expect(await show()).toMatchObject({
      tier: 'power',
      override,
      profile: { concurrentInstancesPerLocation: 100, createsPerDay: 50, totals: { vcpus: 64 } },
      defaults,
    });
    await put({});
    const unknown = await gateway.ask({ method: 'GET', path: `${path}/no-such/limits` });
    expect([unknown.status, codeOf(unknown)]).toEqual([404, 'not-found']);
  });

  it('the limits are shown with slots in use and used-up quotas, and a `reopen` request clears the quotas', async () => {
    const connectionKey = keyOf('sim-aws');
    const site = { connectionKey, location: 'us-east-1', limits: CAUTIOUS_PROFILES.aws };
    const wanted = {
      instanceId: 'f0123456789abcdef-00000',
      fleetId: 'f0123456789abcdef',
      round: 1,
      instanceType: 'm6i.large',
      vcpus: 2,
      gpus: 0,
      memoryGb: 8,
      mayGoElsewhere: false,
    };
    await startLoop(store, { driver: 'sim', ...site }, Date.now());
    await permitCreates(store, site, [wanted]);
    await recordFeedback(store, site, [{ kind: 'no-quota', wanted, message: 'no more' }], []);
    const show = async () => (await gateway.ask({ method: 'GET', path: `${path}/sim-aws/limits` })).body;
    expect(await show()).toMatchObject({
      governor: {
        locationsInUse: { taken: 1, of: 30 },
        locations: [
          {
            location: 'us-east-1',
            inUse: true,
            inFlight: { taken: 1, of: 20 },
            waiting: { launches: 0, byFleet: [] },
            reasons: [{ why: 'quota', family: 'm6i', message: 'no more' }],
          },
        ],
      },
    });
    const reopen = (json: unknown) =>
      gateway.ask({ method: 'POST', path: `${path}/sim-aws/limits/reopen`, json });
    const elsewhere = await reopen({ location: 'us-west-2' });
    expect([elsewhere.status, elsewhere.body]).toEqual([200, { reopened: [] }]);
    expect((await reopen({})).body).toEqual({ reopened: [{ location: 'us-east-1', families: ['m6i'] }] });
    expect(await show()).toMatchObject({ governor: { locations: [{ reasons: [] }] } });
    expect(errorsOf(await reopen({ location: 'a b', all: true })).toSorted()).toEqual([
      '/all unrecognized-key',
      '/location invalid-format',
    ]);
    await releaseSlots(store, site, [wanted]);
  });

  it('impossible limits are refused with the pointer of each wrong field, and change nothing', async () => {
    const answer = await put({
      concurrentLocations: 0,
      concurrentInstancesPerLocation: 1.5,
      calls: { create: { perSecond: 5, burst: 2 }, list: { perSecond: -1, burst: 1 } },
      createsPerMinute: 3,
      createsPerDay: 2,
      totals: { instances: 0 },
      perDay: 1,
    });
    expect([answer.status, errorsOf(answer).toSorted()]).toEqual([
      400,
      [
        '/calls/create/burst contradictory',
        '/calls/list/perSecond too-small',
        '/concurrentInstancesPerLocation invalid-type',
        '/concurrentLocations too-small',
        '/createsPerDay contradictory',
        '/perDay unrecognized-key',
        '/totals/instances too-small',
      ],
    ]);
    expect(await get('sim-aws')).not.toHaveProperty('limits');
  });
});

it.each([
  ['PUT', 'limits', {}],
  ['PUT', 'credential', { credential: { account: 'a' } }],
  ['POST', 'disable', undefined],
  ['POST', 'enable', undefined],
  ['POST', 'limits/reopen', {}],
] as const)('a request %s …/%s for an unknown connection is answered 404', async (method, verb, json) => {
  const answer = await gateway.ask({ method, path: `${path}/no-such/${verb}`, ...(json ? { json } : {}) });
  expect([answer.status, codeOf(answer)]).toEqual([404, 'not-found']);
});
