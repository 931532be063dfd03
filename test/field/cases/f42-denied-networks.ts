import assert from 'node:assert/strict';
import type { NetworkChoice } from '../../../functions/model/network-choice.ts';
import { actionsOf, existingNetworksPolicy } from '../../samples/documented-aws-policy.ts';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import type { Region } from '../worlds/ec2/region.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';

const SITE = SITES.aws;
const ZONE = `${SITE.location}a`;
/** A refused dry run has this status, and changes nothing. So has a refused call. */
const DENIED = 403;

/** Makes a VPC with a subnet and a security group, as the account's owner does. */
function makeNetwork(region: Region): NetworkChoice {
  const make = (kind: 'vpc' | 'subnet' | 'security-group', prefix: string, facts: Record<string, string>) =>
    region.add({
      kind,
      id: region.newId(prefix),
      tags: new Map(),
      createdAtMs: 0,
      facts: new Map(Object.entries(facts)),
    }).id;
  const networkId = make('vpc', 'vpc', { cidr: '10.9.0.0/16' });
  const inVpc = { 'vpc-id': networkId };
  const subnet = make('subnet', 'subnet', { ...inVpc, cidr: '10.9.0.0/20', 'availability-zone': ZONE });
  const group = make('security-group', 'sg', { ...inVpc, 'group-name': 'of-the-owner' });
  const given = { networkId, subnetIds: { [ZONE]: subnet }, securityGroupIds: [group] };
  return { mode: 'existing', existing: { [SITE.location]: given } };
}

/** An account whose owner makes the networks: the credential may use them, and may make none. */
export const f42: FieldCase[] = [
  {
    id: 'F42',
    title: 'a credential that may make no networks launches fleets in the network that its connection has',
    play: () =>
      inField({ worlds: () => ({ aws: new Ec2World() }) }, async ({ stage, user, worlds, ground }) => {
        const { aws } = worlds;
        const allowed = actionsOf(existingNetworksPolicy());
        const region = aws.region(SITE.location);
        const network = makeNetwork(region);
        const before = JSON.stringify([...region.parts.values()]);
        const met = aws.script.trouble({
          call: /./,
          when: (asked) => asked.url.hostname.startsWith('ec2.') && !allowed.has(`ec2:${aws.nameOf(asked)}`),
          answer: () => refusal(DENIED, 'UnauthorizedOperation', 'You are not authorized.'),
        });
        await user.makeNamespace();
        await user.connect('cloud', SITE);
        assertIs(
          'warning of the connection',
          (await user.connection('cloud')).warning?.code,
          'MissingRights',
        );
        assertMet('the dry runs of calls that make networks', met, 2);

        await user.setNetwork('cloud', network);
        const set = await user.untilConnection('cloud', ({ network: one, warning }) => !!one && !warning);
        assertIs('the network of the connection', set.network, network);
        const deniedBefore = met.count;
        const { nodeGroups, ...order } = user.order('web', 'cloud', SITE, 3);
        const groups = nodeGroups.map(({ ssh: _, ...group }) => group);
        const fleet = await stage.create({ ...order, nodeGroups: groups });
        const up = await stage.until(fleet.id, ({ status }) => status === 'Running' || status === 'Failed');
        assertIs('the fleet', [up.status, up.counts.Running], ['Running', 3]);
        assertIs(
          'zones of the machines',
          aws.standing(ground.now()).map(({ zone }) => zone),
          [ZONE, ZONE, ZONE],
        );
        await stage.remove(fleet.id);
        await stage.until(fleet.id, ({ status }) => status === 'Terminated');
        assertIs('denied calls of the fleet', met.count - deniedBefore, 0);
        assertIs('what the account has', JSON.stringify([...region.parts.values()]), before);
        assert.deepEqual(
          aws.script
            .calls(/^(Create(Vpc|Subnet|SecurityGroup)|DeleteVpc)$/, 0)
            .filter(({ status }) => status < 400),
          [],
        );
      }),
  },
];
