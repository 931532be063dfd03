import assert from 'node:assert/strict';
import { has } from '../../../functions/drivers/contract/capabilities.ts';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import { type GivenNetwork, networkOfGiven } from '../../../functions/model/network-choice.ts';
import { assertions } from '../suite/assertion.ts';
import type { Lab } from '../suite/lab.ts';
import { makeUsersNetwork } from '../suite/users-network.ts';

const needs = 'existing-networks';

async function faultsOf({ client, cloud }: Lab, given: GivenNetwork, location = cloud.location) {
  assert.ok(has(client, 'existing-networks'));
  const faults = await client.verifyNetwork(location, given);
  for (const { message } of faults) assert.notEqual(message, '');
  return faults.map(({ pointer, code }) => `${pointer} ${code}`);
}

/** Returns the given network with another value in its first subnet. */
function withSubnet(given: GivenNetwork, id: string): { given: GivenNetwork; pointer: string } {
  const { subnetIds = [] } = given;
  if (Array.isArray(subnetIds)) return { given: { ...given, subnetIds: [id] }, pointer: '/subnetIds/0' };
  const [zone = ''] = Object.keys(subnetIds);
  return { given: { ...given, subnetIds: { ...subnetIds, [zone]: id } }, pointer: `/subnetIds/${zone}` };
}

const firstSubnet = ({ subnetIds = [] }: GivenNetwork): string => Object.values(subnetIds)[0] ?? '';
/** An id of the same form that no resource has. */
const strange = (id: string): string => `${id.slice(0, -4)}0000`;

export const EXISTING_NETWORKS = assertions([
  {
    id: 'existing.verified',
    title: 'a network that a user made is found without faults, and the check makes and changes nothing',
    needs,
    async run(lab) {
      const { given, remove } = await makeUsersNetwork(lab);
      const before = await lab.cloud.countLeft();
      const from = lab.proxy.seen.length;
      assert.deepEqual(await faultsOf(lab, given), []);
      const asked = lab.proxy.seen.slice(from).map(({ request }) => request);
      assert.ok(asked.length > 0, 'the check asked the cloud nothing');
      assert.equal(await lab.cloud.countLeft(), before);
      await remove();
    },
  },
  {
    id: 'existing.machine',
    title:
      'a machine is created in a network that a user made, and the network stands when the machine is gone',
    needs,
    async run(lab) {
      const { client, cloud } = lab;
      const { given, remove } = await makeUsersNetwork(lab);
      const { backendId, subnetBackendId, zones } = networkOfGiven(given);
      const zone = zones?.find((one) => cloud.zone === undefined || one.zone === cloud.zone) ?? zones?.[0];
      const subnet = zone?.subnetBackendId ?? subnetBackendId;
      const [firstGroup = '', ...groups] = given.securityGroupIds;
      const spec = await lab.spec({
        networkBackendId: backendId,
        securityGroupBackendIds: [firstGroup, ...groups],
        ...(zone === undefined ? {} : { zone: zone.zone }),
        ...(subnet === undefined ? {} : { subnetBackendId: subnet }),
      });
      const made = await client.createInstance(spec);
      await lab.untilStatus(made, 'Running');
      await client.terminateInstance(cloud.location, made.backendId);
      await lab.until('the machine is gone', async () =>
        (await lab.listed([spec])).length === 0 ? true : undefined,
      );
      assert.deepEqual(await faultsOf(lab, given), []);
      await lab.until('its user can remove the network', async () => {
        try {
          await remove();
          return true;
        } catch (error) {
          if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
          return undefined;
        }
      });
    },
  },
  {
    id: 'existing.unknown',
    title: 'a given network, subnet or security group that does not exist is a fault at its own place',
    needs,
    async run(lab) {
      const { given, remove } = await makeUsersNetwork(lab);
      const noNetwork = await faultsOf(lab, { ...given, networkId: strange(given.networkId) });
      assert.ok(noNetwork.includes('/networkId unknown-network'), noNetwork.join(', '));
      const noSubnet = withSubnet(given, strange(firstSubnet(given)));
      assert.deepEqual(await faultsOf(lab, noSubnet.given), [`${noSubnet.pointer} unknown-subnet`]);
      const [group = ''] = given.securityGroupIds;
      const noGroup = { ...given, securityGroupIds: [group, strange(group)] };
      assert.deepEqual(await faultsOf(lab, noGroup), ['/securityGroupIds/1 unknown-security-group']);
      await remove();
    },
  },
  {
    id: 'existing.other-network',
    title: 'a given subnet or security group of another network is a fault',
    needs,
    async run(lab) {
      const { given, remove } = await makeUsersNetwork(lab);
      const other = await makeUsersNetwork(lab);
      const mixed = withSubnet(given, firstSubnet(other.given));
      const [fault = '', ...more] = await faultsOf(lab, mixed.given);
      assert.deepEqual(more, []);
      assert.ok(
        [`${mixed.pointer} other-network`, `${mixed.pointer} unknown-subnet`].includes(fault),
        `${fault} is the fault of a subnet of another network`,
      );
      const group = await faultsOf(lab, { ...given, securityGroupIds: other.given.securityGroupIds });
      const isOfNetwork = lab.cloud.groupsBelongToNetworks ?? true;
      assert.deepEqual(group, isOfNetwork ? ['/securityGroupIds/0 other-network'] : []);
      await remove();
      await other.remove();
    },
  },
  {
    id: 'existing.other-location',
    title:
      'a network of another location is unknown there, and no network is looked for at an unknown location',
    needs,
    async run(lab) {
      const { location, secondLocation } = lab.cloud;
      const { given, remove } = await makeUsersNetwork(lab);
      await lab.fails(faultsOf(lab, given, 'nowhere-1'), 'NotFound', 'InvalidRequest');
      // A server may have only one location.
      if (secondLocation !== location) {
        const faults = await faultsOf(lab, given, secondLocation);
        assert.ok(faults.includes('/networkId unknown-network'), faults.join(', '));
      }
      await remove();
    },
  },
  {
    id: 'existing.made-for-a-fleet',
    title: 'a network or security group of this deployment is a fault, because it is removed with its fleet',
    needs,
    async run(lab) {
      const { given, remove } = await makeUsersNetwork(lab);
      const { networkBackendId, forSpecs } = await lab.ground();
      const ours = await faultsOf(lab, { ...given, networkId: networkBackendId });
      assert.ok(ours.includes('/networkId made-for-a-fleet'), ours.join(', '));
      const group = await faultsOf(lab, {
        ...given,
        securityGroupIds: forSpecs.securityGroupBackendIds.slice(),
      });
      assert.deepEqual(group, ['/securityGroupIds/0 made-for-a-fleet']);
      await remove();
    },
  },
  {
    id: 'existing.never-listed',
    title:
      'a network that a user made is never listed as a resource of this deployment, nor found by its name',
    needs,
    async run(lab) {
      const { client, cloud } = lab;
      const { given, remove } = await makeUsersNetwork(lab);
      for (const kind of ['network', 'security-group'] as const) {
        const listed = await client.listNetworkResources(cloud.location, kind);
        const ids = [given.networkId, ...given.securityGroupIds];
        assert.deepEqual(
          listed.filter(({ backendId }) => ids.includes(backendId)),
          [],
        );
      }
      await remove();
    },
  },
]);
