import { expect, test } from 'vitest';
import type { AllowRule } from '../../../../functions/drivers/contract/driver.ts';
import { clientOf, json, REGION } from './cloud-double.ts';

const GROUPS = 'neutron /v2.0/security-groups';
const RULES = 'neutron /v2.0/security-group-rules';
const WANTED: AllowRule[] = [
  { protocol: 'tcp', ports: { first: 443, last: 443 }, source: { cidr: '203.0.113.0/24' } },
  { protocol: 'icmp', source: { cidr: '2001:db8::/32' } },
  { protocol: 'udp', ports: { first: 53, last: 53 }, source: { securityGroupBackendId: 'g2' } },
];
const EGRESS = { direction: 'egress', ethertype: 'IPv4', protocol: null };
const HTTPS = {
  direction: 'ingress',
  ethertype: 'IPv4',
  protocol: 'tcp',
  port_range_min: 443,
  port_range_max: 443,
  remote_ip_prefix: '203.0.113.0/24',
  remote_group_id: null,
};
const OTHERS = [
  {
    direction: 'ingress',
    ethertype: 'IPv6',
    protocol: 'ipv6-icmp',
    port_range_min: null,
    port_range_max: null,
    remote_ip_prefix: '2001:db8::/32',
    remote_group_id: null,
  },
  {
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: 'udp',
    port_range_min: 53,
    port_range_max: 53,
    remote_ip_prefix: null,
    remote_group_id: 'g2',
  },
];

/** Adds an id to each rule, in the order of the rules. */
const withIds = (rules: object[]) => rules.map((rule, at) => ({ id: `r${at}`, ...rule }));

/** Plays a security group whose rules at each read are `reads`. The first `conflicts` requests for rules fail. */
function playing(reads: object[][], conflicts = 0) {
  let left = conflicts;
  const group = (rules: object[]) => ({
    id: 'g1',
    name: 'fw-test-group',
    description: 'fleetwright:deployment=test',
    created_at: '2026-01-01T00:00:00Z',
    security_group_rules: withIds(rules),
  });
  const [first = [], ...later] = reads;
  return clientOf({
    [`GET ${GROUPS}`]: () => json({ security_groups: [group(first)] }),
    [`GET ${GROUPS}/g1`]: () => json({ security_group: group(later.shift() ?? []) }),
    [`POST ${RULES}`]: () => {
      left -= 1;
      return left >= 0
        ? json({ NeutronError: { type: 'SecurityGroupRuleExists', message: 'it exists', detail: '' } }, 409)
        : json({ security_group_rules: [] }, 201);
    },
    [`DELETE ${RULES}/r3`]: () => new Response(null, { status: 204 }),
  });
}

const ensure = (client: ReturnType<typeof clientOf>['client'], rules: readonly AllowRule[]) =>
  client.ensureSecurityGroup({ location: REGION, name: 'group', networkBackendId: 'n1', rules, tags: {} });
const made = (asked: ReturnType<typeof clientOf>['asked']) =>
  asked.flatMap(({ method, body }) =>
    method === 'POST' && body && !JSON.stringify(body).includes('auth') ? [body] : [],
  );

test('one request makes the rules that the security group lacks', async () => {
  const { client, asked } = playing([[EGRESS, HTTPS]]);
  expect(await ensure(client, WANTED)).toEqual({ backendId: 'g1' });
  expect(made(asked)).toEqual([
    { security_group_rules: OTHERS.map((rule) => ({ security_group_id: 'g1', ...rule })) },
  ]);
});

test('a security group that has all of its rules gets no request', async () => {
  const { client, asked } = playing([[EGRESS, HTTPS, ...OTHERS]]);
  await ensure(client, WANTED);
  expect(made(asked)).toEqual([]);
});

test('if a concurrent call makes a rule first, the group is read again, and only the rest is made', async () => {
  const { client, asked } = playing([[EGRESS], [EGRESS, HTTPS, ...OTHERS.slice(0, 1)]], 1);
  await ensure(client, WANTED);
  expect(made(asked)).toEqual([
    { security_group_rules: [HTTPS, ...OTHERS].map((rule) => ({ security_group_id: 'g1', ...rule })) },
    { security_group_rules: OTHERS.slice(1).map((rule) => ({ security_group_id: 'g1', ...rule })) },
  ]);
});

test('a rule that Neutron made twice for concurrent requests is removed once', async () => {
  const { client, asked } = playing([[EGRESS], [EGRESS, HTTPS, ...OTHERS.slice(0, 1), HTTPS]]);
  await ensure(client, WANTED.slice(0, 2));
  expect(asked.flatMap(({ method, what }) => (method === 'DELETE' ? [what] : []))).toEqual([`${RULES}/r3`]);
});

test('rules that Neutron refuses three times fail as Conflict', async () => {
  const { client } = playing([[], [], []], 3);
  await expect(ensure(client, WANTED)).rejects.toMatchObject({ code: 'Conflict' });
});
