import assert from 'node:assert/strict';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import { assertions } from '../suite/assertion.ts';
import { layGround } from '../suite/ground.ts';
import type { Lab } from '../suite/lab.ts';

/**
 * Codes of a refused removal. They say that the cloud understood the request, and that the removal may succeed later.
 * Other codes would concern the credential, or leave open whether the cloud has removed the machine.
 */
const REFUSED = ['Conflict', 'InvalidRequest'] as const;

/** Asserts that a removal fails with the cloud's words, twice, because the control plane repeats it. */
async function assertRefused(lab: Lab, words: string, remove: () => Promise<void>): Promise<void> {
  for (let time = 1; time <= 2; time += 1) {
    const error = await lab.fails(remove(), ...REFUSED);
    assert.ok(error.message.includes(words), `the error does not contain "${words}": ${error.message}`);
  }
}

/** Awaits a removal. @returns true if it succeeded; undefined if something still uses the resource */
async function whenFree(removal: Promise<void>): Promise<true | undefined> {
  try {
    await removal;
    return true;
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
    return undefined;
  }
}

export const REMOVALS = assertions([
  {
    id: 'removals.protected',
    title:
      'the removal of a protected machine fails with words of the cloud, the machine runs on, and a later removal succeeds',
    async run(lab) {
      const { client, cloud, proxy } = lab;
      const { location } = cloud;
      const { backendId } = await client.createInstance(await lab.spec());
      await lab.untilStatus({ backendId }, 'Running');
      const obstacle = await cloud.protect({ location, backendId }, proxy.faults);
      try {
        await assertRefused(lab, obstacle.words, () => client.terminateInstance(location, backendId));
        assert.equal((await client.getInstance(location, backendId)).status, 'Running');
      } finally {
        await obstacle.lift();
      }
      await client.terminateInstance(location, backendId);
      await lab.until(`${backendId} is going`, async () => {
        const listed = await client.listInstances(location);
        const status = listed.find((one) => one.backendId === backendId)?.status ?? 'Terminated';
        return status === 'Terminating' || status === 'Terminated' ? true : undefined;
      });
    },
  },
  {
    id: 'removals.leftover',
    title:
      'what the cloud leaves of a removed machine in its network is known to be ours, and goes with the network',
    async run(lab) {
      const { client, cloud, proxy } = lab;
      const { location } = cloud;
      const name = lab.name();
      const laid = await layGround(client, location, name, cloud.publicKey);
      const spec = await lab.spec(laid.forSpecs);
      const { backendId } = await client.createInstance(spec);
      await lab.untilStatus({ backendId }, 'Running');
      const obstacle = await cloud.protect({ location, backendId }, proxy.faults);
      await lab.fails(client.terminateInstance(location, backendId, spec.instanceId), ...REFUSED);
      const leftover = await cloud.leftoverOf?.({ location, backendId });
      await obstacle.lift();
      await client.terminateInstance(location, backendId, spec.instanceId);
      await lab.until(`${backendId} is gone`, async () =>
        (await lab.listed([spec])).length === 0 ? true : undefined,
      );
      const group = laid.forSpecs.securityGroupBackendIds[0];
      await lab.until(`${group} is gone`, () => whenFree(client.deleteSecurityGroup(location, group)));
      await leftover?.leave();
      const machines = {
        isGone: async (id: string, instanceId: string | undefined) =>
          id === backendId && instanceId === spec.instanceId,
      };
      await lab.until(`${name} is gone`, () =>
        whenFree(client.deleteNetwork(location, laid.networkBackendId, machines)),
      );
      assert.equal(await client.findNetworkResource(location, 'network', name), undefined);
    },
  },
  {
    id: 'removals.occupied',
    title:
      'the removal of a network that something foreign uses fails and names what uses it, and a later removal succeeds',
    async run(lab) {
      const { client, cloud, proxy } = lab;
      const { location } = cloud;
      const name = lab.name();
      const laid = await layGround(client, location, name, cloud.publicKey);
      const backendId = laid.networkBackendId;
      await client.deleteSecurityGroup(location, laid.forSpecs.securityGroupBackendIds[0]);
      const obstacle = await cloud.occupy({ location, backendId }, proxy.faults);
      try {
        await assertRefused(lab, obstacle.words, () => client.deleteNetwork(location, backendId));
        assert.equal(await client.findNetworkResource(location, 'network', name), backendId);
      } finally {
        await obstacle.lift();
      }
      await client.deleteNetwork(location, backendId);
      assert.equal(await client.findNetworkResource(location, 'network', name), undefined);
    },
  },
]);
