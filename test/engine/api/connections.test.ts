import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { beforeAll, describe, expect, it } from 'vitest';
import { credentialParameter } from '../../../functions/platform/secrets/stored-credentials.ts';
import { readConnection } from '../../../functions/platform/store/connections.ts';
import { updateConnection } from '../../../functions/platform/store/update-connection.ts';
import { useTables } from '../tables.ts';
import { fleetBody, furnish } from './furnish.ts';
import { Gateway } from './gateway.ts';

const SECRET = 'hunter2-and-more';
const store = useTables();
const gateway = new Gateway(store);
const { errorsOf, codeOf, pageOf } = Gateway;
const path = '/v1/namespaces/default/connections';

beforeAll(() => furnish(store, 'default'));

const body = (name: string, fields: Record<string, unknown> = {}) => ({
  name,
  driver: 'sim',
  cloud: 'aws',
  endpoint: 'http://127.0.0.1:7000',
  credential: { account: 'tester', apiKey: SECRET },
  ...fields,
});
const post = (json: unknown, allowEndpoints?: boolean) =>
  gateway.ask({ method: 'POST', path, json }, allowEndpoints);
const secretOf = async (name: string): Promise<unknown> => {
  const connection = await readConnection(store, 'default', name);
  if (!connection) throw new Error(`connection ${name} has no record`);
  const Name = credentialParameter(gateway.secretsPrefix, connection);
  const { Parameter } = await gateway.ssm.send(new GetParameterCommand({ Name, WithDecryption: true }));
  return JSON.parse(Parameter?.Value ?? 'null');
};

describe('a new connection', () => {
  it('a new connection is Verifying, and its secret is stored for its driver and never shown', async () => {
    const answer = await post(body('new-aws', { limits: { concurrentLocations: 3 } }));
    expect([answer.status, answer.headers['location']]).toEqual([201, `${path}/new-aws`]);
    expect(answer.body).toMatchObject({
      status: 'Verifying',
      limitProfile: { concurrentLocations: 3, concurrentInstancesPerLocation: 20 },
    });
    expect(gateway.sent.at(-1)).toEqual({ kind: 'verify', connectionKey: 'sim/default/new-aws' });
    expect(await secretOf('new-aws')).toEqual({ account: 'tester', apiKey: SECRET });
    const seen = await Promise.all([
      gateway.ask({ method: 'GET', path }),
      gateway.ask({ method: 'GET', path: `${path}/new-aws` }),
    ]);
    expect(JSON.stringify([answer, ...seen, gateway.logged])).not.toContain(SECRET);
  });

  it('only one of twelve equal create requests is accepted, and the stored secret is that of the accepted request', async () => {
    const keys = Array.from({ length: 12 }, (_, at) => `raced-for-secret-${at}`);
    const answers = await Promise.all(
      keys.map((apiKey) => post(body('raced-aws', { credential: { account: 'tester', apiKey } }))),
    );
    const made = keys.filter((_, at) => answers[at]?.status === 201);
    expect(made).toHaveLength(1);
    expect(new Set(answers.filter(({ status }) => status !== 201).map(codeOf))).toEqual(
      new Set(['name-taken']),
    );
    expect(await secretOf('raced-aws')).toMatchObject({ apiKey: made[0] });
  });

  it('a create with the name of a failed connection is refused and keeps the old secret', async () => {
    await post(body('failed-aws', { credential: { account: 'wrong' } }));
    const failure = { code: 'Unauthorized', message: 'no' };
    await updateConnection(
      store,
      { driver: 'sim', namespace: 'default', name: 'failed-aws' },
      { status: 'Failed', failure },
    );
    expect((await post(body('failed-aws'))).status).toBe(409);
    expect(await secretOf('failed-aws')).toMatchObject({ account: 'wrong' });
  });

  it('a create with the name of a verified connection is refused and stores no secret', async () => {
    const answer = await post(body('sim-aws'));
    expect([answer.status, codeOf(answer), errorsOf(answer)]).toEqual([
      409,
      'name-taken',
      ['/name duplicate'],
    ]);
    await expect(secretOf('sim-aws')).rejects.toThrow();
  });

  it.each([
    ['an unknown driver', { driver: 'magic' }, ['/driver invalid-value']],
    ['a driver that is not deployed', { driver: 'aws' }, ['/driver driver-not-deployed']],
    ['an unknown cloud', { cloud: 'fog' }, ['/cloud invalid-value']],
    [
      'a credential with an unknown field in place of a known one',
      { credential: { user: 'x' } },
      ['/credential/user unrecognized-key', '/credential/account missing'],
    ],
    ['a limit of zero', { limits: { concurrentLocations: 0 } }, ['/limits/concurrentLocations too-small']],
    ['a metadata address', { endpoint: 'http://169.254.169.254/' }, ['/endpoint endpoint-forbidden']],
    ['a metadata address in disguise', { endpoint: 'http://0xA9FEA9FE/' }, ['/endpoint endpoint-forbidden']],
    [
      'a metadata address as IPv6',
      { endpoint: 'http://[::ffff:169.254.169.254]/' },
      ['/endpoint endpoint-forbidden'],
    ],
    ['a link-local address', { endpoint: 'http://[fe80::1]/' }, ['/endpoint endpoint-forbidden']],
    ['an endpoint that is no URL', { endpoint: 'sim' }, ['/endpoint invalid-format']],
    [
      'several wrong fields',
      { name: 'X', credential: {}, endpoint: 'http://169.254.1.1' },
      ['/name invalid-format', '/credential/account missing', '/endpoint endpoint-forbidden'],
    ],
  ])('a connection with %s is refused', async (_what, fields, errors) => {
    const answer = await post(body('bad-aws', fields));
    expect([answer.status, errorsOf(answer).toSorted()]).toEqual([400, errors.toSorted()]);
    expect(JSON.stringify(answer.body)).not.toContain(SECRET);
    expect((await gateway.ask({ method: 'GET', path: `${path}/bad-aws` })).status).toBe(404);
  });

  it.each([
    ['http://cloud.example.com', ['/endpoint endpoint-not-https']],
    ['https://169.254.169.254', ['/endpoint endpoint-forbidden']],
    [undefined, ['/endpoint missing']],
  ])(
    'a connection with endpoint %s is refused if the deployment allows no overrides',
    async (endpoint, errors) => {
      expect(errorsOf(await post(body('far-aws', { endpoint }), false))).toEqual(errors);
    },
  );
});

describe('an existing connection', () => {
  it('the API sends a message that verifies a connection or syncs its inventory', async () => {
    await post(body('work-aws'));
    for (const [verb, kind] of [
      ['verify', 'verify'],
      ['sync-inventory', 'sync-inventory'],
    ] as const) {
      expect((await gateway.ask({ method: 'POST', path: `${path}/work-aws/${verb}` })).status).toBe(202);
      expect(gateway.sent.at(-1)).toEqual({ kind, connectionKey: 'sim/default/work-aws' });
      expect((await gateway.ask({ method: 'POST', path: `${path}/no-such/${verb}` })).status).toBe(404);
    }
  });

  it('a connection that a fleet uses is not deleted and stays Ready', async () => {
    await gateway.ask({ method: 'POST', path: '/v1/namespaces/default/fleets', json: fleetBody('web') });
    const refused = await gateway.ask({ method: 'DELETE', path: `${path}/sim-aws` });
    expect([refused.status, codeOf(refused)]).toEqual([409, 'in-use']);
    const { body: after } = await gateway.ask({ method: 'GET', path: `${path}/sim-aws` });
    expect(after).toMatchObject({ status: 'Ready' });
  });

  it('a connection with the name of a deleted connection has an empty catalogue', async () => {
    await furnish(store, 'leaving');
    const own = '/v1/namespaces/leaving/connections';
    const secret = body('sim-aws');
    expect((await gateway.ask({ method: 'DELETE', path: `${own}/sim-aws` })).status).toBe(204);
    expect((await gateway.ask({ method: 'DELETE', path: `${own}/sim-aws` })).status).toBe(404);
    expect((await gateway.ask({ method: 'POST', path: own, json: secret })).status).toBe(201);
    for (const list of ['locations', 'offers', 'images', 'instance-types']) {
      const { body: page } = await gateway.ask({ method: 'GET', path: `${own}/sim-aws/${list}` });
      expect(page).toEqual({ items: [], cursor: null });
    }
  });
});

describe('the catalogue', () => {
  const list = async (what: string, query: Record<string, string> = {}) =>
    pageOf(await gateway.ask({ method: 'GET', path: `${path}/sim-aws/${what}`, query }));

  it('the locations of a connection are listed in pages', async () => {
    const first = await list('locations', { limit: '2' });
    const rest = await list('locations', { limit: '2', cursor: first.cursor ?? '' });
    expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual([
      'eu-down-1',
      'us-east-1',
      'us-west-2',
    ]);
    expect(rest.cursor).toBeNull();
  });

  it('the lists of the catalogue can be filtered', async () => {
    expect((await list('offers', { location: 'us-east-1' })).items).toHaveLength(2);
    expect((await list('offers', { instanceType: 'm6i.large', available: 'true' })).items).toHaveLength(2);
    expect(
      (await list('instance-types', { architecture: 'arm64', minVcpus: '2', gpu: 'false' })).items,
    ).toHaveLength(1);
    expect((await list('instance-types', { minMemoryGb: '9' })).items).toEqual([]);
    expect((await list('images', { location: 'us-west-2', name: 'ubuntu-24.04' })).items).toHaveLength(1);
    expect((await list('images', { available: 'false' })).items).toEqual([]);
    const [cheap, ...dearer] = (await list('offers', { maxUsdPerHour: '0.09' })).items;
    expect([cheap?.id, dearer]).toEqual(['us-east-1-noZone-m7g.large', []]);
    expect((await list('offers', { zone: 'us-east-1a' })).items).toEqual([]);
    expect((await list('locations', { available: 'false' })).items.map(({ name }) => name)).toEqual([
      'eu-down-1',
    ]);
    expect((await list('locations', { country: 'KOR' })).items).toEqual([]);
  });

  it('the catalogue of an unknown connection is answered 404', async () => {
    expect((await gateway.ask({ method: 'GET', path: `${path}/no-such/offers` })).status).toBe(404);
  });
});

it('the API lists the credential fields of driver sim', async () => {
  const { body: drivers } = await gateway.ask({ method: 'GET', path: '/v1/drivers' });
  expect(drivers).toMatchObject({
    items: [
      {
        name: 'sim',
        credentialFields: expect.arrayContaining([expect.objectContaining({ name: 'account' })]),
      },
    ],
  });
});
