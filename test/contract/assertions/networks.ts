import assert from 'node:assert/strict';
import { type AllowRule, NETWORK_RESOURCE_KINDS } from '../../../functions/drivers/contract/driver.ts';
import { assertions } from '../suite/assertion.ts';
import { assertUnique } from '../suite/checks.ts';
import { deleteResource, layGround } from '../suite/ground.ts';

const AT_ONCE = 4;
const RULES: readonly AllowRule[] = [
  { protocol: 'tcp', ports: { first: 22, last: 22 }, source: { cidr: '203.0.113.0/24' } },
  { protocol: 'tcp', ports: { first: 443, last: 443 }, source: { cidr: '0.0.0.0/0' } },
  { protocol: 'udp', ports: { first: 8_000, last: 8_100 }, source: { cidr: '198.51.100.0/24' } },
  { protocol: 'icmp', source: { cidr: '203.0.113.0/24' } },
];

export const NETWORKS = assertions([
  {
    id: 'networks.race',
    title:
      'concurrent and repeated requests for a network, security group or key pair make only one resource',
    async run(lab) {
      const { client, cloud } = lab;
      const name = lab.name();
      const lay = () => layGround(client, cloud.location, name, cloud.publicKey);
      const laid = [...(await Promise.all(Array.from({ length: AT_ONCE }, lay))), await lay()];
      const [first] = laid;
      for (const one of laid) assert.deepEqual(one, first);
      for (const kind of NETWORK_RESOURCE_KINDS) {
        const listed = await client.listNetworkResources(cloud.location, kind);
        assert.equal(
          listed.filter((one) => one.name === name).length,
          1,
          `number of ${kind}s with this name`,
        );
      }
    },
  },
  {
    id: 'networks.found',
    title: 'a network resource is listed, and is found only by its own kind and name',
    async run(lab) {
      const { client, cloud } = lab;
      const name = lab.name();
      const laid = await layGround(client, cloud.location, name, cloud.publicKey);
      const expected = {
        network: laid.networkBackendId,
        'security-group': laid.forSpecs.securityGroupBackendIds[0],
        'key-pair': laid.forSpecs.keyPairBackendId,
      };
      for (const kind of NETWORK_RESOURCE_KINDS) {
        const listed = await client.listNetworkResources(cloud.location, kind);
        assertUnique(
          kind,
          listed.map(({ backendId }) => backendId),
        );
        assert.equal(listed.find((one) => one.name === name)?.backendId, expected[kind]);
        assert.equal(await client.findNetworkResource(cloud.location, kind, name), expected[kind]);
        assert.equal(await client.findNetworkResource(cloud.location, kind, lab.name()), undefined);
      }
    },
  },
  {
    id: 'networks.lost-reply',
    title:
      'if the reply to the creation of a network is lost, the next request finds the network by its name',
    async run(lab) {
      const { client, cloud, proxy } = lab;
      const name = lab.name();
      proxy.faults.arm({ call: cloud.calls.ensureNetwork, kind: 'loseReplyAfterEffect', count: 1 });
      const spec = { location: cloud.location, name, cidr: '10.30.0.0/16', tags: {} };
      await lab.fails(client.ensureNetwork(spec), 'OutcomeUnknown');
      assert.equal(proxy.faults.struck, 1);
      const { backendId } = await client.ensureNetwork(spec);
      assert.equal(await client.findNetworkResource(cloud.location, 'network', name), backendId);
      const listed = await client.listNetworkResources(cloud.location, 'network');
      assert.equal(listed.filter((one) => one.name === name).length, 1);
    },
  },
  {
    id: 'networks.invalid-cidr',
    title: 'a network with an invalid CIDR is refused and not made',
    async run(lab) {
      const { client, cloud } = lab;
      const name = lab.name();
      const spec = { location: cloud.location, name, cidr: '10.30.0.0/99', tags: {} };
      await lab.fails(client.ensureNetwork(spec), 'InvalidRequest');
      assert.equal(await client.findNetworkResource(cloud.location, 'network', name), undefined);
    },
  },
  {
    id: 'networks.in-use',
    title:
      'the deletion of a network or security group that a machine uses fails as Conflict, and the network stays',
    async run(lab) {
      const { client, cloud } = lab;
      const spec = await lab.spec();
      await client.createInstance(spec);
      const { networkBackendId, securityGroupBackendIds, location } = spec;
      await lab.fails(client.deleteSecurityGroup(location, securityGroupBackendIds[0]), 'Conflict');
      await lab.fails(client.deleteNetwork(location, networkBackendId), 'Conflict');
      const left = await client.listNetworkResources(cloud.location, 'network');
      assert.ok(left.some(({ backendId }) => backendId === networkBackendId));
    },
  },
  {
    id: 'networks.rules',
    title:
      'a security group allows the traffic of its rules, and repeated and concurrent requests make each rule once',
    async run(lab) {
      const { client, cloud } = lab;
      const { networkBackendId } = await lab.ground();
      const spec = { location: cloud.location, name: lab.name(), networkBackendId, rules: RULES, tags: {} };
      const made = await Promise.all([1, 2].map(() => client.ensureSecurityGroup(spec)));
      made.push(await client.ensureSecurityGroup(spec));
      const [first] = made;
      assert.ok(first);
      assert.deepEqual(
        made.map(({ backendId }) => backendId),
        made.map(() => first.backendId),
      );
      assert.deepEqual((await cloud.rulesOf(first.backendId)).toSorted(), [
        'icmp 203.0.113.0/24',
        'tcp 22-22 203.0.113.0/24',
        'tcp 443-443 0.0.0.0/0',
        'udp 8000-8100 198.51.100.0/24',
      ]);
    },
  },
  {
    id: 'networks.ipv6-rules',
    title: 'a rule may allow traffic from IPv6 addresses',
    needs: 'ipv6-rules',
    async run(lab) {
      const { client, cloud } = lab;
      const { networkBackendId } = await lab.ground();
      const rules = (['tcp', 'icmp'] as const).map((protocol) => ({
        protocol,
        ...(protocol === 'tcp' ? { ports: { first: 443, last: 443 } } : {}),
        source: { cidr: '2001:db8::/32' },
      }));
      const { backendId } = await client.ensureSecurityGroup({
        location: cloud.location,
        name: lab.name(),
        networkBackendId,
        rules,
        tags: {},
      });
      assert.deepEqual((await cloud.rulesOf(backendId)).toSorted(), [
        'icmp 2001:db8::/32',
        'tcp 443-443 2001:db8::/32',
      ]);
    },
  },
  {
    id: 'networks.group-sources',
    title: 'a rule may allow traffic from the machines that have another security group',
    needs: 'group-sources',
    async run(lab) {
      const { client, cloud } = lab;
      const { networkBackendId } = await lab.ground();
      const base = { location: cloud.location, networkBackendId, tags: {} };
      const source = await client.ensureSecurityGroup({ ...base, name: lab.name(), rules: [] });
      const spec = {
        ...base,
        name: lab.name(),
        rules: [
          {
            protocol: 'tcp' as const,
            ports: { first: 5_432, last: 5_432 },
            source: { securityGroupBackendId: source.backendId },
          },
        ],
      };
      const user = await client.ensureSecurityGroup(spec);
      assert.deepEqual(await client.ensureSecurityGroup(spec), user);
      assert.deepEqual(await cloud.rulesOf(user.backendId), [`tcp 5432-5432 ${source.backendId}`]);
      await client.deleteSecurityGroup(cloud.location, user.backendId);
      await client.deleteSecurityGroup(cloud.location, source.backendId);
      assert.equal(await client.findNetworkResource(cloud.location, 'security-group', spec.name), undefined);
    },
  },
  {
    id: 'networks.deleted-in-order',
    title:
      'key pair, security group and network can be deleted in this order, and a second deletion succeeds',
    async run(lab) {
      const { client, cloud } = lab;
      const name = lab.name();
      const laid = await layGround(client, cloud.location, name, cloud.publicKey);
      const all = [
        ['key-pair', laid.forSpecs.keyPairBackendId],
        ['security-group', laid.forSpecs.securityGroupBackendIds[0]],
        ['network', laid.networkBackendId],
      ] as const;
      for (const [kind, backendId] of all) {
        await deleteResource(client, cloud.location, kind, backendId);
        assert.equal(await client.findNetworkResource(cloud.location, kind, name), undefined);
      }
      for (const [kind, backendId] of all) await deleteResource(client, cloud.location, kind, backendId);
    },
  },
  {
    id: 'networks.of-this-deployment',
    title:
      'two deployments get different network resources for one name, and each lists only its own resources',
    async run(lab) {
      const { client, cloud } = lab;
      const name = lab.name();
      const ours = await layGround(client, cloud.location, name, cloud.publicKey);
      const other = lab.ofDeployment('contract-suite-2');
      const theirs = await layGround(other, cloud.location, name, cloud.publicKey);
      assert.notEqual(theirs.networkBackendId, ours.networkBackendId);
      for (const kind of NETWORK_RESOURCE_KINDS) {
        const listed = new Set(
          (await other.listNetworkResources(cloud.location, kind)).map((one) => one.backendId),
        );
        const mine = (await client.listNetworkResources(cloud.location, kind)).filter((one) =>
          listed.has(one.backendId),
        );
        assert.deepEqual(mine, []);
      }
    },
  },
]);
