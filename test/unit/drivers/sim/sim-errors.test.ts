import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { errorOfAnswer } from '../../../../functions/drivers/sim/errors.ts';
import { REFUSALS } from '../../../../local/sim/engine/refusals.ts';
import type { SimServer } from '../../../../local/sim/serve.ts';
import { openGate } from '../../../calls/gates.ts';
import { simDriver } from '../../../samples/drivers.ts';
import { addFault, connect, DEPLOYMENT, idOf, LOCATION, prepare, startQuickServer } from './sim-server.ts';

let server: SimServer;
beforeAll(async () => {
  server = await startQuickServer({ accounts: { locked: { apiKey: 'right' }, dead: { revoked: true } } });
});
beforeEach(() => server.engine.reset());
afterAll(() => server.close());

const code = (expected: string) => expect.objectContaining({ name: expected, code: expected });

describe('an injected fault', () => {
  test.each([
    ['throttle', 'Throttled', 'Throttled'],
    ['forbidden', 'Forbidden', 'Forbidden'],
    ['error', 'OutcomeUnknown', 'Unavailable'],
    ['loseReplyBeforeEffect', 'OutcomeUnknown', 'Unavailable'],
    ['loseReplyAfterEffect', 'OutcomeUnknown', 'Unavailable'],
  ] as const)('the fault %s makes a change fail as %s and a read as %s', async (kind, ofChange, ofRead) => {
    const client = connect(server);
    const { spec } = await prepare(client);
    addFault(server, { kind });
    await expect(client.createInstance(spec(1))).rejects.toEqual(code(ofChange));
    await expect(client.terminateInstance(LOCATION, 'i-none')).rejects.toEqual(code(ofChange));
    await expect(client.listInstances(LOCATION)).rejects.toEqual(code(ofRead));
    await expect(client.verifyCredential()).rejects.toEqual(code(ofRead));
  });

  test.each([
    ['quota', 'QuotaExceeded'],
    ['capacity', 'InsufficientCapacity'],
  ] as const)('the fault %s makes a create fail as %s, and no machine is made', async (kind, expected) => {
    const client = connect(server);
    const { spec } = await prepare(client);
    addFault(server, { kind });
    await expect(client.createInstance(spec(1))).rejects.toEqual(code(expected));
    expect(await client.listInstances(LOCATION)).toEqual([]);
  });

  test('a create makes a machine if its reply is lost, and no machine if its request is lost', async () => {
    const client = connect(server);
    const { spec } = await prepare(client);
    addFault(server, { kind: 'loseReplyAfterEffect', call: 'create', count: 1 });
    await expect(client.createInstance(spec(1))).rejects.toEqual(code('OutcomeUnknown'));
    expect(await client.findInstanceByToken(LOCATION, `${idOf(1)}.1`)).toMatchObject({ instanceId: idOf(1) });
    addFault(server, { kind: 'loseReplyBeforeEffect', call: 'create', count: 1 });
    await expect(client.createInstance(spec(2))).rejects.toEqual(code('OutcomeUnknown'));
    expect(await client.findInstanceByToken(LOCATION, `${idOf(2)}.1`)).toBeUndefined();
    expect(await client.createInstance(spec(2))).toMatchObject({ instanceId: idOf(2) });
  });
});

describe('an answer of the simulated cloud', () => {
  test('the error of a throttled call contains the wait time that the cloud asks for', async () => {
    addFault(server, { kind: 'throttle' });
    await expect(connect(server).listInstances(LOCATION)).rejects.toMatchObject({
      code: 'Throttled',
      cloudCode: 'RateLimited',
      retryAfterMs: 1_000,
    });
  });

  test('a create at a location that is down fails as Unavailable, and the location is listed as down', async () => {
    const client = connect(server);
    const { spec } = await prepare(client);
    server.engine.world.commit({ kind: 'location', cloud: 'aws', location: LOCATION, up: false });
    await expect(client.createInstance(spec(1))).rejects.toEqual(code('Unavailable'));
    expect((await client.listLocations()).find(({ name }) => name === LOCATION)?.available).toBe(false);
  });

  test('a create with an unknown or unsuitable type, image, zone, network or location fails as InvalidRequest', async () => {
    const client = connect(server);
    const { spec } = await prepare(client);
    const wrong = [
      { instanceType: 'm1.none' },
      { imageBackendId: 'ami-none' },
      { zone: 'eu-west-1a' },
      { instanceType: 't4g.medium' },
      { networkBackendId: 'vpc-none' },
      { location: 'us-nowhere-1' },
    ];
    for (const over of wrong) {
      await expect(client.createInstance(spec(1, over))).rejects.toEqual(code('InvalidRequest'));
    }
  });

  test('a call with a wrong, missing or revoked credential fails as Unauthorized', async () => {
    const as = (credential: Record<string, string>) =>
      simDriver.connect({
        cloud: 'aws',
        credential,
        endpoint: server.url,
        deploymentId: DEPLOYMENT,
        calls: openGate,
      });
    await expect(as({ account: 'locked', apiKey: 'wrong' }).verifyCredential()).rejects.toEqual(
      code('Unauthorized'),
    );
    await expect(as({ account: 'locked' }).listInstances(LOCATION)).rejects.toEqual(code('Unauthorized'));
    await expect(as({ account: 'dead' }).verifyCredential()).rejects.toEqual(code('Unauthorized'));
    expect(await as({ account: 'locked', apiKey: 'right' }).verifyCredential()).toMatchObject({
      account: 'locked',
    });
  });

  test('a create with the token of a terminated instance is refused', async () => {
    const client = connect(server);
    const { spec } = await prepare(client);
    const { backendId } = await client.createInstance(spec(1));
    await client.terminateInstance(LOCATION, backendId);
    await expect.poll(() => client.listInstances(LOCATION)).toEqual([]);
    await expect(client.createInstance(spec(1))).rejects.toMatchObject({
      code: 'OutcomeUnknown',
      cloudCode: 'LaunchTokenUsed',
      tokenIsUsed: true,
    });
  });
});

describe('errorOfAnswer', () => {
  test('the error table maps every code of the simulated clouds, except InternalError', () => {
    const unknown = Object.entries(REFUSALS).filter(([cloudCode, status]) => {
      const answer = {
        status: 418,
        code: cloudCode,
        message: undefined,
        rate: {},
        call: 'GET x',
      };
      return (
        errorOfAnswer(answer, 'changes').code === 'InvalidRequest' &&
        status !== 400 &&
        !cloudCode.startsWith('Unknown')
      );
    });
    expect(unknown.map(([cloudCode]) => cloudCode)).toEqual(['InternalError']);
  });

  test.each([
    [502, 'changes', 'OutcomeUnknown'],
    [502, 'reads', 'Unavailable'],
    [429, 'changes', 'Throttled'],
    [401, 'reads', 'Unauthorized'],
    [403, 'reads', 'Forbidden'],
    [404, 'changes', 'InvalidRequest'],
    [302, 'reads', 'InvalidRequest'],
  ] as const)(
    'an answer with status %d and without an error code, to a call that %s, becomes %s',
    (status, effect, expected) => {
      const answer = { status, code: undefined, message: undefined, rate: {}, call: 'GET x' };
      expect(errorOfAnswer(answer, effect).code).toBe(expected);
    },
  );
});

test('a create or list at a port without a listener fails as Unavailable', async () => {
  const { spec } = await prepare(connect(server));
  const stopped = await startQuickServer();
  await stopped.close();
  const client = connect(stopped);
  await expect(client.createInstance(spec(1))).rejects.toMatchObject({
    code: 'Unavailable',
    cloudCode: 'ECONNREFUSED',
  });
  await expect(client.listInstances(LOCATION)).rejects.toEqual(code('Unavailable'));
});
