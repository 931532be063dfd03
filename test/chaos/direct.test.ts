import { expect, test } from 'vitest';
import type { InstanceSpec } from '../../functions/drivers/contract/driver.ts';
import { loadSimConfig } from '../../local/sim/engine/config.ts';
import { openGate } from '../calls/gates.ts';
import { CALM } from './ground/disturbance.ts';
import { Ground } from './ground/ground.ts';
import { Process } from './ground/process.ts';
import { Clouds, DEPLOYMENT, ENDPOINT } from './models/clouds.ts';

/** Returns all answers that a client gets over the life of one instance. */
async function answersOfLife(isDirect: boolean): Promise<unknown[]> {
  const ground = new Ground(3, CALM, false);
  const { clouds } = loadSimConfig();
  const world = new Clouds(ground, { clouds, isDirect, onCloudEvent: () => undefined });
  const client = world.driverOf(new Process('caller', ground, 0)).connect({
    cloud: 'aws',
    credential: { account: 'sim-aws' },
    endpoint: ENDPOINT,
    deploymentId: DEPLOYMENT,
    calls: openGate,
  });
  const location = 'us-east-1';
  const failure = (error: unknown) => (error instanceof Error ? `${error.name} ${error.message}` : error);
  return await ground.scheduler.run(
    (async () => {
      const seen: unknown[] = [await client.verifyCredential(), await client.listLocations()];
      const images = await client.listImages(location);
      seen.push(images, await client.listOffers(location), await client.listImages('nowhere').catch(failure));
      const network = await client.ensureNetwork({ location, name: 'n1', cidr: '10.0.0.0/16', tags: {} });
      const group = await client.ensureSecurityGroup({
        location,
        name: 's1',
        networkBackendId: network.backendId,
        rules: [],
        tags: {},
      });
      const key = await client.ensureKeyPair({ location, name: 'k1', publicKey: 'ssh-rsa AAAA', tags: {} });
      seen.push(await client.findNetworkResource(location, 'network', 'n1'));
      seen.push(await client.listNetworkResources(location, 'key-pair'));
      const id = 'f0123456789abcdef-00001';
      const spec: InstanceSpec = {
        location,
        instanceId: id,
        launchToken: `${id}.1`,
        instanceType: 'm6i.large',
        imageBackendId: images[0]?.backendId ?? '',
        networkBackendId: network.backendId,
        securityGroupBackendIds: [group.backendId],
        keyPairBackendId: key.backendId,
        tags: { team: 'search' },
      };
      const made = await client.createInstance(spec);
      seen.push(made, await client.createInstance({ ...spec, imageBackendId: 'no' }).catch(failure));
      await ground.sleep(5_000);
      seen.push(await client.listInstances(location), await client.findInstanceByToken(location, `${id}.1`));
      await ground.sleep(60_000);
      seen.push(await client.listInstances(location), await client.listInstances(location));
      await client.terminateInstance(location, made.backendId);
      seen.push(await client.getInstance(location, made.backendId));
      await ground.sleep(120_000);
      seen.push(await client.listInstances(location));
      seen.push(await client.getInstance(location, made.backendId).catch(failure));
      await client.deleteKeyPair(location, key.backendId);
      return seen;
    })(),
  );
}

test('the driver gets the same answers from the simulated clouds with and without HTTP', async () => {
  const direct = await answersOfLife(true);
  expect(direct).toHaveLength(16);
  expect(direct).toEqual(await answersOfLife(false));
});
