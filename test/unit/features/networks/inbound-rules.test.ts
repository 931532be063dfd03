import { expect, test } from 'vitest';
import { inboundRulesOf, rulesText } from '../../../../functions/features/networks/inbound-rules.ts';
import { type InboundRule, sshRule } from '../../../../functions/model/inbound-rule.ts';

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
