import { expect, test } from 'vitest';
import { has } from '../../../../functions/drivers/contract/capabilities.ts';
import type { GivenNetwork } from '../../../../functions/model/network-choice.ts';
import { clientOf, json, REGION } from './cloud-double.ts';

const GIVEN: GivenNetwork = { networkId: 'n1', securityGroupIds: ['g1'] };
const NETWORK = { id: 'n1', name: 'users', description: '', created_at: '2026-01-01T00:00:00Z' };
const subnet = (id: string, network: string) => ({ id, network_id: network, cidr: '10.0.0.0/24' });

/** Plays a Neutron with these networks, subnets and security groups. It selects them by the query. */
function playing({
  networks = [NETWORK] as object[],
  subnets = [subnet('s1', 'n1'), subnet('s2', 'n1'), subnet('s3', 'n2')],
  groups = [{ ...NETWORK, id: 'g1' }] as object[],
} = {}) {
  const selected = (all: readonly object[], what: string) => {
    const query = new URLSearchParams(what.split('?')[1]);
    query.delete('limit');
    return all.filter((one) =>
      [...query].every(([key, value]) => Object.entries(one).some(([k, v]) => k === key && v === value)),
    );
  };
  const { client, asked } = clientOf({
    'GET neutron /v2.0/networks': ({ what }) => json({ networks: selected(networks, what) }),
    'GET neutron /v2.0/subnets': ({ what }) => json({ subnets: selected(subnets, what) }),
    'GET neutron /v2.0/security-groups': ({ what }) => json({ security_groups: selected(groups, what) }),
  });
  if (!has(client, 'existing-networks')) throw new TypeError('driver openstack cannot verify networks');
  return { client, asked };
}

const faultsOf = async (given: Partial<GivenNetwork>, cloud: Parameters<typeof playing>[0] = {}) => {
  const faults = await playing(cloud).client.verifyNetwork(REGION, { ...GIVEN, ...given });
  return faults.map(({ pointer, code }) => `${pointer} ${code}`);
};

test('a network is verified by reads alone, with or without a list of all its subnets', async () => {
  const { client, asked } = playing();
  expect(await client.verifyNetwork(REGION, GIVEN)).toEqual([]);
  expect(asked.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET', 'GET']);
  expect(await faultsOf({ subnetIds: ['s2', 's1'] })).toEqual([]);
});

test('a list of some of the network’s subnets is refused, because Nova chooses among all', async () => {
  const { client } = playing();
  expect(await client.verifyNetwork(REGION, { ...GIVEN, subnetIds: ['s1'] })).toEqual([
    {
      pointer: '/subnetIds',
      code: 'subnets-misfit',
      message: 'Nova chooses among all subnets of network n1: leave subnetIds out, or add s2',
    },
  ]);
});

test('subnets by zone are refused, because subnets of OpenStack belong to no zone', async () => {
  expect(await faultsOf({ subnetIds: { nova: 's1' } })).toEqual(['/subnetIds subnets-misfit']);
});

test('a subnet of another network and a subnet that does not exist are told apart', async () => {
  expect(await faultsOf({ subnetIds: ['s1', 's3', 's9'] })).toEqual([
    '/subnetIds/1 other-network',
    '/subnetIds/2 unknown-subnet',
  ]);
});

test('a network without a subnet, and an external network that is not shared, are not usable', async () => {
  expect(await faultsOf({}, { subnets: [] })).toEqual(['/networkId not-usable']);
  const external = { ...NETWORK, 'router:external': true };
  expect(await faultsOf({}, { networks: [external] })).toEqual(['/networkId not-usable']);
  expect(await faultsOf({}, { networks: [{ ...external, shared: true }] })).toEqual([]);
});

test('a network and a security group of this deployment are refused', async () => {
  const ours = { ...NETWORK, description: 'fleetwright:deployment=test' };
  expect(await faultsOf({}, { networks: [ours], groups: [{ ...ours, id: 'g1' }] })).toEqual([
    '/networkId made-for-a-fleet',
    '/securityGroupIds/0 made-for-a-fleet',
  ]);
});

test('more security groups than a server’s metadata can name are refused', async () => {
  const securityGroupIds = Array.from({ length: 7 }, (_, at) => `g${at}`);
  expect(await faultsOf({ securityGroupIds })).toEqual(['/securityGroupIds too-many']);
});
