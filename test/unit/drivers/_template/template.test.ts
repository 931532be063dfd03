import { describe, expect, it } from 'vitest';
import { createTemplateDriver } from '../../../../functions/drivers/_template/driver.ts';
import { capabilitiesOf } from '../../../../functions/drivers/contract/capabilities.ts';
import type { CloudClient, InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { machineName, resourceName } from '../../../../functions/drivers/contract/names.ts';
import { DRIVERS } from '../../../../functions/drivers/registry.ts';
import { openGate } from '../../../calls/gates.ts';

const DEPLOYMENT = 'mine';
const SECRET = 'a-token-that-is-secret';
const TOKEN = 'f1kdvdsg466w7wczm-00001.1';

/**
 * Connects the template driver to a cloud that looks up its answer in `answers` by `METHOD path?query`.
 * `asked` lists the requests in order.
 */
function cloudOf(
  answers: Record<string, { status?: number; headers?: Record<string, string>; body?: unknown } | Error>,
) {
  const asked: { call: string; body: unknown; headers: Headers }[] = [];
  const driver = createTemplateDriver(async (request) => {
    const { pathname, search } = new URL(request.url);
    const call = `${request.method} ${pathname}${search}`;
    const text = await request.text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    asked.push({ call, body, headers: request.headers });
    const answer = answers[call] ?? { status: 404, body: refusal('not_found', `no ${call}`) };
    if (answer instanceof Error) throw answer;
    const { status = 200, headers = {} } = answer;
    return new Response(JSON.stringify(answer.body ?? {}), { status, headers });
  });
  const client: CloudClient = driver.connect({
    cloud: 'mock',
    credential: { apiToken: SECRET },
    endpoint: 'https://cloud.example.com/v1/',
    deploymentId: DEPLOYMENT,
    calls: openGate,
  });
  return { driver, client, asked };
}
const refusal = (code: string, message: string) => ({ error: { code, message } });
const server = (id: string, name: string, state = 'active') => ({ id, name, state });
const servers = '/v1/regions/r1/servers';
const spec: InstanceSpec = {
  location: 'r1',
  instanceId: TOKEN.split('.')[0] ?? '',
  launchToken: TOKEN,
  instanceType: 'small',
  imageBackendId: 'img',
  networkBackendId: 'net',
  securityGroupBackendIds: ['group'],
  keyPairBackendId: 'key',
  tags: {},
};

it('the template driver is not registered, and its client has the capabilities that its metadata lists', () => {
  const { driver, client } = cloudOf({});
  expect(Object.keys(DRIVERS)).not.toContain(driver.name);
  expect(capabilitiesOf(client)).toEqual(driver.capabilities);
});

it.each([
  ['no endpoint', { apiToken: SECRET }, undefined],
  ['an endpoint that is not http or https', { apiToken: SECRET }, 'ftp://cloud.example.com'],
  ['an endpoint that is not a URL', { apiToken: SECRET }, 'cloud'],
  ['no token', {}, 'https://cloud.example.com'],
  ['a malformed token', { apiToken: 'short' }, 'https://cloud.example.com'],
])('the template driver refuses to connect with %s', (_what, credential, endpoint) => {
  const { driver } = cloudOf({});
  const options = { cloud: 'mock' as const, credential, deploymentId: DEPLOYMENT };
  expect(() =>
    driver.connect({ ...options, calls: openGate, ...(endpoint === undefined ? {} : { endpoint }) }),
  ).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
});

it("a list of servers is read to its last page, and contains only the servers of the client's deployment", async () => {
  const { client, asked } = cloudOf({
    [`GET ${servers}`]: {
      body: {
        items: [server('1', machineName(DEPLOYMENT, TOKEN)), server('2', machineName('others', TOKEN))],
        next: 'p 2',
      },
    },
    [`GET ${servers}?after=p+2`]: {
      body: { items: [server('3', 'a-pet'), server('4', machineName(DEPLOYMENT, TOKEN), 'odd')] },
    },
  });
  expect((await client.listInstances('r1')).map(({ backendId, status }) => [backendId, status])).toEqual([
    ['1', 'Running'],
    ['4', 'Undefined'],
  ]);
  expect(asked[0]?.headers.get('authorization')).toBe(`Bearer ${SECRET}`);
});

it('a server is named after its launch token and is found by that token', async () => {
  const made = server('7', machineName(DEPLOYMENT, TOKEN), 'building');
  const { client, asked } = cloudOf({
    [`POST ${servers}`]: { status: 202, body: made },
    [`GET ${servers}`]: { body: { items: [made] } },
  });
  expect(await client.createInstance({ ...spec, userData: '#!ü' })).toMatchObject({
    backendId: '7',
    launchToken: TOKEN,
    status: 'Creating',
  });
  expect(asked[0]?.body).toMatchObject({ name: made.name, userData: Buffer.from('#!ü').toString('base64') });
  expect(await client.findInstanceByToken('r1', TOKEN)).toMatchObject({ backendId: '7' });
  expect(await client.findInstanceByToken('r1', TOKEN.replace('.1', '.2'))).toBeUndefined();
});

it('if another client creates a network of the same name first, ensureNetwork returns that network', async () => {
  const network = { id: 'n1', name: resourceName(DEPLOYMENT, 'abc'), subnetId: 's1' };
  let isThere = false;
  const answers = {
    get 'GET /v1/regions/r1/networks'() {
      return { body: { items: isThere ? [network] : [] } };
    },
    get 'POST /v1/regions/r1/networks'() {
      isThere = true;
      return { status: 409, body: refusal('name_taken', 'another call was quicker') };
    },
  };
  const { client } = cloudOf(answers);
  const wanted = { location: 'r1', name: 'abc', cidr: '10.0.0.0/16', tags: {} };
  expect(await client.ensureNetwork(wanted)).toEqual({ backendId: 'n1', subnetBackendId: 's1' });
  expect(await client.listNetworkResources('r1', 'network')).toEqual([
    { kind: 'network', backendId: 'n1', name: 'abc' },
  ]);
});

it('a removal succeeds if the machine or key pair does not exist', async () => {
  const { client } = cloudOf({});
  await expect(client.terminateInstance('r1', 'x')).resolves.toBeUndefined();
  await expect(client.deleteKeyPair('r1', 'x')).resolves.toBeUndefined();
  await expect(client.getInstance('r1', 'x')).rejects.toMatchObject({ code: 'NotFound' });
});

describe('errors of the template driver', () => {
  const reset = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } });
  const refused = new TypeError('fetch failed', {
    cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
  });
  it.each<
    [string, string, string, { status: number; headers?: Record<string, string>; body?: unknown } | Error]
  >([
    [
      'an exhausted quota',
      'QuotaExceeded',
      'QuotaExceeded',
      { status: 403, body: refusal('quota_exceeded', 'no more') },
    ],
    [
      'a lack of capacity',
      'InsufficientCapacity',
      'InsufficientCapacity',
      { status: 409, body: refusal('no_capacity', 'full') },
    ],
    [
      'an unknown error code',
      'InvalidRequest',
      'InvalidRequest',
      { status: 422, body: refusal('odd', 'what') },
    ],
    [
      'an answer that does not match its schema',
      'OutcomeUnknown',
      'Unavailable',
      { status: 200, body: { id: 1 } },
    ],
    ['a server error', 'OutcomeUnknown', 'Unavailable', { status: 502 }],
    ['a connection reset', 'OutcomeUnknown', 'Unavailable', reset],
    ['a refused connection', 'Unavailable', 'Unavailable', refused],
  ])('%s makes a create fail as %s and a read as %s', async (_what, change, read, answer) => {
    const { client } = cloudOf({ [`POST ${servers}`]: answer, [`GET ${servers}/x`]: answer });
    const errors = await Promise.all(
      [client.createInstance(spec), client.getInstance('r1', 'x')].map((call) =>
        call.then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    expect(errors).toMatchObject([{ code: change }, { code: read }]);
    expect(errors.map(String).join()).not.toContain(SECRET);
  });

  it('a throttling error contains the wait time that the cloud asks for, and the name of the call', async () => {
    const answer = { status: 429, headers: { 'retry-after': '3' }, body: refusal('rate_limited', 'slowly') };
    const { client } = cloudOf({ [`POST ${servers}`]: answer });
    await expect(client.createInstance(spec)).rejects.toMatchObject({
      code: 'Throttled',
      retryAfterMs: 3_000,
      call: 'POST /regions/r1/servers',
      message: expect.stringContaining('slowly'),
    });
  });
});
