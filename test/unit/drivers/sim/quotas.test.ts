import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { has } from '../../../../functions/drivers/contract/capabilities.ts';
import type { Quota } from '../../../../functions/model/quota.ts';
import { loadSimConfig, parseSimConfig } from '../../../../local/sim/engine/config.ts';
import type { SimServer } from '../../../../local/sim/serve.ts';
import { connect, LOCATION, prepare, startQuickServer } from './sim-server.ts';

let server: SimServer;
beforeAll(async () => {
  const locations = { 'us-east-2': { vcpuQuota: 6, instanceQuota: 5 } };
  server = await startQuickServer({
    clouds: {
      aws: { instanceQuota: 3, vcpuQuota: 10, spot: { instanceQuota: 1 }, networkQuota: 4, locations },
      gcp: { showsQuotas: false },
    },
  });
});
beforeEach(() => server.engine.reset());
afterAll(() => server.close());

async function read(location = LOCATION, cloud: 'aws' | 'gcp' = 'aws'): Promise<Quota[]> {
  const client = connect(server, cloud);
  if (!has(client, 'quotas')) throw new TypeError('driver sim reads no quotas');
  return await client.readQuotas(location);
}

test('an account reads its quotas at a location, with what is used of them', async () => {
  const client = connect(server);
  const { spec } = await prepare(client);
  await client.createInstance(spec(0));
  await client.createInstance({ ...spec(1), market: 'spot' });
  expect(await read()).toEqual([
    { unit: 'instances', name: 'instances', limit: 3, used: 1 },
    { unit: 'instances', name: 'spot instances', market: 'spot', limit: 1, used: 1 },
    { unit: 'vcpus', name: 'vCPUs', limit: 10, used: 4 },
    { unit: 'networks', name: 'networks', limit: 4, used: 1 },
  ]);
  expect(await read('us-east-2')).toContainEqual({ unit: 'vcpus', name: 'vCPUs', limit: 6, used: 0 });
});

test('a create call above the quota of vCPUs is refused with its figure, and a removed instance gives its vCPUs back', async () => {
  const client = connect(server);
  const { spec } = await prepare(client);
  await client.createInstance({ ...spec(0), instanceType: 'm6i.xlarge' });
  const second = await client.createInstance({ ...spec(1), instanceType: 'm6i.xlarge' });
  const third = { ...spec(2), instanceType: 'm6i.xlarge' };
  await expect(client.createInstance(third)).rejects.toMatchObject({
    code: 'QuotaExceeded',
    quota: { of: 'vcpus', limit: 10 },
  });
  await client.terminateInstance(LOCATION, second.backendId, spec(1).instanceId);
  await expect
    .poll(
      async () =>
        await client.createInstance(third).then(
          () => 'made',
          () => 'refused',
        ),
      { timeout: 5_000 },
    )
    .toBe('made');
});

test('a cloud that shows no quotas has an empty list, and an unknown location is refused', async () => {
  expect(await read('us-central1', 'gcp')).toEqual([]);
  await expect(read('mars')).rejects.toMatchObject({ code: 'InvalidRequest' });
});

test.each([
  ['a negative quota', { vcpuQuota: -1 }, 'vcpuQuota'],
  ['an unlimited quota', { instanceQuota: Number.POSITIVE_INFINITY }, 'instanceQuota'],
  ['a quota as text', { vcpuQuota: 'unlimited' }, 'vcpuQuota'],
])('a configuration with %s is refused with the field', (_what, aws, field) => {
  expect(() => parseSimConfig({ clouds: { aws } }, loadSimConfig())).toThrow(field);
});
