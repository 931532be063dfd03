import { expect, test } from 'vitest';
import { createSimDriver } from '../../../../functions/drivers/sim/driver.ts';
import { createApp } from '../../../../local/sim/http/app.ts';
import { openGate } from '../../../calls/gates.ts';
import { LOCATION, START_MS, VirtualClouds } from './virtual-clouds.ts';

/**
 * Connects driver sim to simulated clouds in this process. Instead of waiting, the clouds set their clock
 * forward.
 */
function connectInProcess(overrides: unknown = {}) {
  const clouds = new VirtualClouds(overrides);
  const app = createApp({
    engine: clouds.engine,
    waitUntil: async (atMs) => {
      clouds.nowMs = Math.max(clouds.nowMs, atMs);
    },
  });
  const driver = createSimDriver(async (request) => await app.fetch(request));
  const client = driver.connect({
    cloud: 'aws',
    credential: { account: 'acc' },
    endpoint: 'http://clouds.invalid',
    deploymentId: 'd',
    calls: openGate,
  });
  return { clouds, client };
}

test('the sim driver works in virtual time and without a server', async () => {
  const { clouds, client } = connectInProcess();
  await client.ensureNetwork({ location: LOCATION, name: 'net', cidr: '10.0.0.0/16', tags: {} });
  expect(clouds.books().networks).toMatchObject([
    { name: 'fw-d-net', tags: { 'fleetwright:deployment': 'd' } },
  ]);
  clouds.fault({ kind: 'delay', call: 'list', delayMs: 3_000 });
  await client.listInstances(LOCATION);
  expect(clouds.nowMs).toBe(START_MS + 3_000);
});

test('a quota of networks refuses a further network, and says how many an account may have', async () => {
  const { client } = connectInProcess({ clouds: { aws: { networkQuota: 1 } } });
  const network = (name: string) => ({ location: LOCATION, name, cidr: '10.0.0.0/16', tags: {} });
  const { backendId } = await client.ensureNetwork(network('one'));
  expect((await client.ensureNetwork(network('one'))).backendId).toBe(backendId);
  await expect(client.ensureNetwork(network('two'))).rejects.toMatchObject({
    code: 'QuotaExceeded',
    message: `the quota of ${LOCATION} is 1 networks`,
    quota: { of: 'networks' },
  });
  await client.deleteNetwork(LOCATION, backendId);
  await client.ensureNetwork(network('two'));
});

test.each(['loseReplyBeforeEffect', 'loseReplyAfterEffect', 'timeout'] as const)(
  'the fault %s makes a call in virtual time fail as OutcomeUnknown',
  async (kind) => {
    const { clouds, client } = connectInProcess();
    clouds.fault({ kind, call: 'ensure' });
    const network = { location: LOCATION, name: 'net', cidr: '10.0.0.0/16', tags: {} };
    await expect(client.ensureNetwork(network)).rejects.toMatchObject({
      code: 'OutcomeUnknown',
      message: 'the cloud did not answer: ConnectionCut',
    });
    expect(clouds.books().networks).toHaveLength(kind === 'loseReplyBeforeEffect' ? 0 : 1);
    expect(clouds.nowMs - START_MS).toBe(kind === 'timeout' ? 15_000 : 0);
  },
);
