import { afterEach, expect, test } from 'vitest';
import type { AllowRule } from '../../../../functions/drivers/contract/driver.ts';
import { type CannedEc2, cannedEc2, connect, page, refusal } from './canned-ec2.ts';

let ec2: CannedEc2 | undefined;
afterEach(async () => {
  await ec2?.close();
  ec2 = undefined;
});

const RULES: AllowRule[] = [
  { protocol: 'tcp', ports: { first: 443, last: 443 }, source: { cidr: '203.0.113.0/24' } },
  { protocol: 'udp', source: { cidr: '2001:db8::/32' } },
  { protocol: 'icmp', source: { cidr: '2001:db8::/32' } },
  { protocol: 'icmp', source: { cidr: '203.0.113.0/24' } },
  { protocol: 'tcp', ports: { first: 8000, last: 8100 }, source: { securityGroupBackendId: 'sg-2' } },
];
const spec = (rules: readonly AllowRule[]) => ({
  location: 'us-east-1',
  name: 'group',
  networkBackendId: 'vpc-1',
  rules,
  tags: {},
});

async function playing(authorize = page('AuthorizeSecurityGroupIngress', '<return>true</return>')) {
  ec2 = await cannedEc2((call) =>
    call.get('Action') === 'CreateSecurityGroup'
      ? page('CreateSecurityGroup', '<groupId>sg-1</groupId>')
      : authorize,
  );
  return { client: connect(ec2.url), calls: ec2.calls };
}

test('one request makes all rules of a security group: ranges of both address families, groups and all of a protocol', async () => {
  const { client, calls } = await playing();
  expect(await client.ensureSecurityGroup(spec(RULES))).toEqual({ backendId: 'sg-1' });
  expect(calls.map((call) => call.get('Action'))).toEqual([
    'CreateSecurityGroup',
    'AuthorizeSecurityGroupIngress',
  ]);
  const sent = [1, 2, 3, 4, 5].map((at) =>
    [...(calls[1] ?? [])].flatMap(([key, value]) => (key.startsWith(`IpPermissions.${at}.`) ? [value] : [])),
  );
  expect(sent).toEqual([
    ['tcp', '443', '443', '203.0.113.0/24'],
    ['udp', '0', '65535', '2001:db8::/32'],
    ['icmpv6', '-1', '-1', '2001:db8::/32'],
    ['icmp', '-1', '-1', '203.0.113.0/24'],
    ['tcp', '8000', '8100', 'sg-2'],
  ]);
});

test('a security group without rules needs no second request', async () => {
  const { client, calls } = await playing();
  await client.ensureSecurityGroup(spec([]));
  expect(calls.map((call) => call.get('Action'))).toEqual(['CreateSecurityGroup']);
});

test('rules that exist already are no error', async () => {
  const { client } = await playing(refusal(400, 'InvalidPermission.Duplicate'));
  expect(await client.ensureSecurityGroup(spec(RULES))).toEqual({ backendId: 'sg-1' });
});
