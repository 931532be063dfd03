import { expect, test } from 'vitest';
import {
  inboundRulesOf,
  rulesText,
  securityGroupsOf,
  securityGroupsOfMachine,
} from '../../../../functions/features/networks/inbound-rules.ts';
import { type InboundRule, ruleText, sshRule } from '../../../../functions/model/inbound-rule.ts';

const HTTPS: InboundRule = {
  protocol: 'tcp',
  ports: { first: 443, last: 443 },
  source: { cidr: '203.0.113.0/24' },
};

test('a node group without SSH has no rules, and one with SSH has a rule for port 22', () => {
  expect(inboundRulesOf({})).toEqual([]);
  expect(inboundRulesOf({ ssh: { allowFrom: '10.0.0.0/8' } })).toEqual([
    { protocol: 'tcp', ports: { first: 22, last: 22 }, source: { cidr: '10.0.0.0/8' } },
  ]);
});

test('the text of a set of rules does not depend on their order, and differs between sets', () => {
  expect(rulesText([HTTPS, sshRule('10.0.0.0/8')])).toBe(rulesText([sshRule('10.0.0.0/8'), HTTPS]));
  const sets: InboundRule[][] = [
    [],
    [HTTPS],
    [sshRule('10.0.0.0/8')],
    [sshRule('10.0.0.0/8'), HTTPS],
    [{ ...HTTPS, protocol: 'udp' }],
    [{ protocol: 'tcp', source: HTTPS.source }],
    [{ ...HTTPS, source: { nodeGroup: 'web' } }],
    [{ ...sshRule('10.0.0.0/8'), source: { nodeGroup: 'web' } }],
  ];
  expect(new Set(sets.map(rulesText)).size).toBe(sets.length);
});

test('the text of no rules, and of SSH alone, stays as it was before other rules existed', () => {
  expect(rulesText([])).toBe('closed');
  expect(rulesText([sshRule('203.0.113.0/24')])).toBe('203.0.113.0/24');
});

test('each port from each source is a rule, with canonical addresses, and equal rules are one', () => {
  const rules = inboundRulesOf({
    ssh: { allowFrom: '203.0.113.9/24' },
    ingress: [
      { protocol: 'tcp', ports: [22, '22-22', '80-90'], from: ['203.0.113.0/24', 'group:web'] },
      { protocol: 'icmp', from: ['2001:DB8::1/32'] },
    ],
  });
  expect(rules.map(ruleText)).toEqual([
    'tcp 22-22 203.0.113.0/24',
    'tcp 22-22 group:web',
    'tcp 80-90 203.0.113.0/24',
    'tcp 80-90 group:web',
    'icmp all 2001:db8::/32',
  ]);
});

const group = (name: string, ...from: string[]) => ({
  name,
  ...(from.length > 0 ? { ingress: [{ protocol: 'tcp' as const, ports: [5_432], from }] } : {}),
});
const shortOf = ({ nodeGroup, rules }: { nodeGroup?: string; rules: InboundRule[] }) =>
  nodeGroup ?? rulesText(rules);

test('node groups with equal rules share a security group, and a node group that is a source has one more', () => {
  const groups = [group('db', 'group:web', 'group:db'), group('web'), group('batch')];
  expect(securityGroupsOf(groups).map((one) => [shortOf(one), one.neededBy])).toEqual([
    ['db', ['db']],
    ['web', ['web', 'db']],
    ['tcp 5432-5432 group:db,tcp 5432-5432 group:web', ['db']],
    ['closed', ['web', 'batch']],
  ]);
  expect(groups.map((one) => securityGroupsOfMachine(one, groups).map(shortOf))).toEqual([
    ['tcp 5432-5432 group:db,tcp 5432-5432 group:web', 'db'],
    ['closed', 'web'],
    ['closed'],
  ]);
});

test('a node group that has no machines at a site is no source there', () => {
  const groups = [group('db', 'group:web', '10.0.0.0/8'), group('batch', '10.0.0.0/8')];
  expect(securityGroupsOf(groups).map((one) => [shortOf(one), one.neededBy])).toEqual([
    ['tcp 5432-5432 10.0.0.0/8', ['db', 'batch']],
  ]);
});
