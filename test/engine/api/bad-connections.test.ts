import { beforeAll, describe, expect, it } from 'vitest';
import { DRIVER_NAMES } from '../../../functions/model/connection.ts';
import { useTables } from '../tables.ts';
import { furnish } from './furnish.ts';
import { Gateway } from './gateway.ts';

const SECRET = 'hunter2-and-more';
const ROLE = 'arn:aws:iam::123456789012:role/fleetwright-launch';
const store = useTables();
const gateway = new Gateway(store, DRIVER_NAMES);
const { errorsOf, codeOf } = Gateway;
const path = '/v1/namespaces/default/connections';

beforeAll(() => furnish(store, 'default'));

const aws = { name: 'bad', driver: 'aws', cloud: 'aws' };
const openstack = {
  name: 'bad',
  driver: 'openstack',
  cloud: 'openstack',
  endpoint: 'https://keystone.example.com/v3',
};
const spider = { name: 'bad', driver: 'cb-spider', cloud: 'azure', endpoint: 'https://spider.example.com' };
const password = { username: 'u', password: SECRET, projectName: 'p' };

describe('refused connection requests', () => {
  it.each<[string, Record<string, unknown>, string[]]>([
    ['with an unknown driver', { ...aws, driver: 'magic', credential: {} }, ['/driver invalid-value']],
    [
      'with a cloud of another driver',
      { ...aws, cloud: 'gcp', credential: { roleArn: ROLE, externalId: SECRET } },
      ['/cloud unknown-cloud'],
    ],
    [
      'with half a credential',
      { ...aws, credential: { accessKeyId: 'AKIA0000' } },
      ['/credential/secretAccessKey missing'],
    ],
    ['without a credential', { ...aws, credential: {} }, ['/credential missing']],
    [
      'with a role and an access key',
      { ...aws, credential: { roleArn: ROLE, externalId: SECRET, secretAccessKey: SECRET } },
      [
        '/credential/externalId contradictory',
        '/credential/roleArn contradictory',
        '/credential/secretAccessKey contradictory',
      ],
    ],
    [
      'with a malformed role ARN',
      { ...aws, credential: { roleArn: SECRET, externalId: SECRET } },
      ['/credential/roleArn invalid-format'],
    ],
    [
      'with an application credential and a password',
      { ...openstack, credential: { applicationCredentialId: 'i', ...password } },
      [
        '/credential/applicationCredentialId contradictory',
        '/credential/password contradictory',
        '/credential/projectName contradictory',
        '/credential/username contradictory',
      ],
    ],
    [
      'without the endpoint that its driver needs',
      { ...openstack, endpoint: undefined, credential: password },
      ['/endpoint missing'],
    ],
    [
      'with a malformed endpoint',
      { ...openstack, endpoint: 'cloud', credential: { ...password, user: 'x' } },
      ['/credential/user unrecognized-key', '/endpoint invalid-format'],
    ],
    [
      'without the credential fields of its cloud',
      { ...spider, credential: { username: 'u', password: SECRET, ClientId: 'c' } },
      [
        '/credential/ClientSecret missing',
        '/credential/SubscriptionId missing',
        '/credential/TenantId missing',
      ],
    ],
    [
      'with impossible limits',
      {
        ...aws,
        credential: { roleArn: ROLE, externalId: SECRET },
        limits: {
          concurrentLocations: 0,
          concurrentInstancesPerLocation: 'many',
          calls: { create: { perSecond: 9, burst: 1 }, list: { perSecond: 0, burst: 1 }, delete: {} },
        },
      },
      [
        '/limits/calls/create/burst contradictory',
        '/limits/calls/delete unrecognized-key',
        '/limits/calls/list/perSecond too-small',
        '/limits/concurrentInstancesPerLocation invalid-type',
        '/limits/concurrentLocations too-small',
      ],
    ],
    [
      'with every field wrong',
      {
        ...openstack,
        name: 'Not A Name',
        credential: { username: 'u', password: SECRET },
        endpoint: 'https://169.254.169.254/v3',
        limits: { concurrentLocations: -1 },
        orphans: { action: 'adopt', graceSeconds: 1 },
      },
      [
        '/credential/projectName missing',
        '/endpoint endpoint-forbidden',
        '/limits/concurrentLocations too-small',
        '/name invalid-format',
        '/orphans/action invalid-value',
        '/orphans/graceSeconds too-small',
      ],
    ],
  ])('a connection %s is refused with the pointer of each wrong field', async (_what, json, errors) => {
    const answer = await gateway.ask({ method: 'POST', path, json });
    expect([answer.status, codeOf(answer), answer.headers['content-type']]).toEqual([
      400,
      'invalid-request',
      'application/problem+json',
    ]);
    expect(errorsOf(answer).toSorted()).toEqual(errors);
    expect(JSON.stringify([answer.body, gateway.logged])).not.toContain(SECRET);
    expect((await gateway.ask({ method: 'GET', path: `${path}/bad` })).status).toBe(404);
    expect(gateway.sent).toEqual([]);
  });

  it.each([
    [
      'a plain http',
      { ...openstack, endpoint: 'http://keystone.example.com' },
      ['/endpoint endpoint-not-https'],
    ],
    ['a custom AWS', { ...aws, endpoint: 'https://ec2.example.com' }, ['/endpoint endpoint-not-allowed']],
    ['a link-local', { ...openstack, endpoint: 'https://[fe80::1]/v3' }, ['/endpoint endpoint-forbidden']],
  ])(
    'a connection with %s endpoint is refused if the deployment allows no overrides',
    async (_what, body, errors) => {
      const credential = body.driver === 'aws' ? { roleArn: ROLE, externalId: SECRET } : password;
      const answer = await gateway.ask({ method: 'POST', path, json: { ...body, credential } }, false);
      expect([answer.status, errorsOf(answer)]).toEqual([400, errors]);
    },
  );
});

it('the API lists each driver with its clouds, credential fields and capabilities', async () => {
  const { body } = await gateway.ask({ method: 'GET', path: '/v1/drivers' });
  expect(body).toMatchObject({
    items: [
      { name: 'sim', endpoint: 'required', capabilities: expect.arrayContaining(['stop-start']) },
      {
        name: 'aws',
        endpoint: 'own',
        clouds: [{ cloud: 'aws', limitProfile: { instances: { perSecond: 2, burst: 1_000 } } }],
        meteredActions: expect.arrayContaining(['ec2:TerminateInstances']),
        credentialFields: expect.arrayContaining([
          expect.objectContaining({ name: 'roleArn', alternative: 'role', secret: false, required: true }),
          expect.objectContaining({ name: 'secretAccessKey', alternative: 'access key', secret: true }),
        ]),
        capabilities: expect.arrayContaining(['batch-create']),
      },
      { name: 'openstack' },
      {
        name: 'cb-spider',
        credentialFields: expect.arrayContaining([
          expect.objectContaining({ name: 'SubscriptionId', required: false, requiredBy: ['azure'] }),
        ]),
      },
    ],
  });
});
