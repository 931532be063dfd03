import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DEPLOYMENT_TAG } from '../../../../functions/drivers/contract/driver.ts';
import { machineName, resourceName } from '../../../../functions/drivers/contract/names.ts';
import type { SimServer } from '../../../../local/sim/serve.ts';
import { openGate } from '../../../calls/gates.ts';
import { simDriver } from '../../../samples/drivers.ts';
import { connect, DEPLOYMENT, idOf, LOCATION, prepare, startQuickServer } from './sim-server.ts';

let server: SimServer;
const often = { perSecond: 1_000, burst: 1_000 };
const rates = { list: often, create: often, mutate: often };
beforeAll(async () => {
  server = await startQuickServer({
    pageSize: 2,
    clouds: { aws: { rates }, gcp: { rates, tags: false, honoursTokens: false } },
  });
});
beforeEach(() => server.engine.reset());
afterAll(() => server.close());

const KINDS = ['network', 'security-group', 'key-pair'] as const;
const clientOf = (deploymentId: string, cloud: 'aws' | 'gcp' = 'aws') =>
  simDriver.connect({
    cloud,
    credential: { account: 'acc' },
    endpoint: server.url,
    deploymentId,
    calls: openGate,
  });

async function plant(kind: 'instances' | 'resources', body: object): Promise<string> {
  const answer = await fetch(`${server.url}/_sim/${kind}`, {
    method: 'POST',
    body: JSON.stringify({ cloud: 'aws', connection: 'acc', location: LOCATION, ...body }),
  });
  expect(answer.status).toBe(201);
  return String(Object.values(Object(await answer.json()))[0]);
}

describe.each([
  ['with tags', 'aws', LOCATION, 'm6i.large'],
  ['without tags', 'gcp', 'us-east1', 'e2-standard-2'],
] as const)('ownership at a cloud %s', (tagging, cloud, location, instanceType) => {
  test(`at a cloud ${tagging}, a client lists exactly the machines and resources of its deployment`, async () => {
    // The id of the second deployment begins with the id of the first.
    for (const [at, deploymentId] of [DEPLOYMENT, `${DEPLOYMENT}-2`, 'another'].entries()) {
      const client = clientOf(deploymentId, cloud);
      const { spec } = await prepare(client, location);
      for (let n = 0; n < 3; n += 1) await client.createInstance(spec(10 * at + n, { instanceType }));
    }
    const client = clientOf(DEPLOYMENT, cloud);
    const machines = await client.listInstances(location);
    expect(machines.map(({ instanceId }) => instanceId)).toEqual([0, 1, 2].map(idOf));
    expect(machines.map(({ launchToken }) => launchToken)).toEqual([0, 1, 2].map((n) => `${idOf(n)}.1`));
    const [machine] = machines;
    expect((await client.findInstanceByToken(location, `${idOf(0)}.1`))?.backendId).toBe(machine?.backendId);
    expect(await client.findInstanceByToken(location, `${idOf(0)}.2`)).toBeUndefined();
    for (const kind of KINDS) {
      const name = { network: 'net', 'security-group': 'group', 'key-pair': 'key' }[kind];
      const resources = await client.listNetworkResources(location, kind);
      expect(resources).toMatchObject([{ kind, name, createdAt: expect.any(String) }]);
      expect(await client.findNetworkResource(location, kind, name)).toBe(resources[0]?.backendId);
    }
  });
});

test('a machine with a deployment tag belongs to the deployment in the tag, and any other machine to the deployment in its name', async () => {
  const client = connect(server);
  const tagged = await plant('instances', { name: 'web', tags: { [DEPLOYMENT_TAG]: DEPLOYMENT } });
  const named = await plant('instances', { name: machineName(DEPLOYMENT, `${idOf(7)}.2`) });
  await plant('instances', { name: 'web' });
  await plant('instances', { name: 'web', tags: { [DEPLOYMENT_TAG]: 'another' } });
  await plant('instances', {
    name: machineName(DEPLOYMENT, `${idOf(8)}.1`),
    tags: { [DEPLOYMENT_TAG]: 'another' },
  });
  const machines = await client.listInstances(LOCATION);
  expect(machines.map(({ backendId }) => backendId)).toEqual([tagged, named]);
  expect(machines[0]).not.toHaveProperty('instanceId');
  expect(machines[1]).toMatchObject({ instanceId: idOf(7), launchToken: `${idOf(7)}.2` });
});

test('a client does not use, find or list a resource that has a name of its deployment and the tag of another deployment', async () => {
  const client = connect(server);
  await plant('resources', {
    kind: 'network',
    name: resourceName(DEPLOYMENT, 'net'),
    tags: { [DEPLOYMENT_TAG]: 'another' },
  });
  const network = { location: LOCATION, name: 'net', cidr: '10.0.0.0/16', tags: {} };
  await expect(client.ensureNetwork(network)).rejects.toMatchObject({ code: 'Conflict' });
  expect(await client.findNetworkResource(LOCATION, 'network', 'net')).toBeUndefined();
  expect(await client.listNetworkResources(LOCATION, 'network')).toEqual([]);
});
