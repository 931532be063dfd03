import type { CloudClient, InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import type { Cloud } from '../../../../functions/model/cloud.ts';
import { instanceId } from '../../../../functions/model/identifiers.ts';
import { loadSimConfig, parseSimConfig, type SimConfig } from '../../../../local/sim/engine/config.ts';
import type { Fault } from '../../../../local/sim/engine/faults.ts';
import { type SimServer, startSimServer } from '../../../../local/sim/serve.ts';
import { openGate } from '../../../calls/gates.ts';
import { simDriver } from '../../../samples/drivers.ts';

export const LOCATION = 'us-east-1';
export const DEPLOYMENT = 'test-deployment';

/** Returns the id of the n-th instance of a fleet. */
export const idOf = (n: number): string => instanceId({ fleetId: 'f0123456789abcdef', index: n });

/**
 * Returns the configuration of the default clouds with `overrides`. Creates, boots and terminations take at
 * most 80 ms.
 */
export function quickConfig(overrides: unknown = {}): SimConfig {
  const quick = { submitMs: [5, 10], bootSeconds: [0.05, 0.08], terminateSeconds: [0.05, 0.08] };
  const config = parseSimConfig(overrides, loadSimConfig());
  for (const cloud of Object.values(config.clouds)) Object.assign(cloud, quick);
  return config;
}

export async function startQuickServer(overrides: unknown = {}): Promise<SimServer> {
  return await startSimServer({ config: quickConfig(overrides), port: 0, seed: 7 });
}

export function connect(
  server: SimServer,
  cloud: Cloud = 'aws',
  credential = { account: 'acc' },
): CloudClient {
  return simDriver.connect({
    cloud,
    credential,
    endpoint: server.url,
    deploymentId: DEPLOYMENT,
    calls: openGate,
  });
}

export function addFault(server: SimServer, fault: Partial<Fault> & Pick<Fault, 'kind'>): void {
  server.engine.addFault({ cloud: '*', connection: '*', location: '*', call: '*', probability: 1, ...fault });
}

/**
 * Makes the network resources that an instance needs. The result's `spec` returns the spec of the n-th
 * instance.
 */
export async function prepare(client: CloudClient, location = LOCATION) {
  const base = { location, tags: {} };
  const network = await client.ensureNetwork({ ...base, name: 'net', cidr: '10.0.0.0/16' });
  const group = await client.ensureSecurityGroup({
    ...base,
    name: 'group',
    networkBackendId: network.backendId,
    rules: [],
  });
  const key = await client.ensureKeyPair({ ...base, name: 'key', publicKey: 'ssh-ed25519 AAAA test' });
  const images = await client.listImages(location);
  const imageBackendId = images.find(({ name }) => name === 'ubuntu-24.04')?.backendId ?? '';
  const spec = (n: number, over: Partial<InstanceSpec> = {}): InstanceSpec => ({
    location,
    instanceId: idOf(n),
    launchToken: `${idOf(n)}.1`,
    instanceType: 'm6i.large',
    imageBackendId,
    networkBackendId: network.backendId,
    ...(network.subnetBackendId === undefined ? {} : { subnetBackendId: network.subnetBackendId }),
    securityGroupBackendIds: [group.backendId],
    keyPairBackendId: key.backendId,
    tags: {},
    ...over,
  });
  return { network, group, key, spec };
}
