import type { NodeGroup } from '../../model/fleet.ts';
import { type InboundRule, ruleText, SSH_PORT, sshRule } from '../../model/inbound-rule.ts';

/** Returns the rules for inbound traffic to a node group's machines, each once. */
export function inboundRulesOf({ ssh }: Pick<NodeGroup, 'ssh'>): InboundRule[] {
  if (ssh === undefined) return [];
  const { allowFrom, ...rest } = ssh;
  // A new field of `ssh` makes this line a type error, because the rules may depend on that field, too.
  rest satisfies Record<string, never>;
  return [sshRule(allowFrom)];
}

/**
 * Returns a text that two sets of rules share if and only if they are equal. The names of security groups are hashes of
 * this text. Fleets that were accepted before other rules existed keep their names: SSH from one range of addresses is
 * the range alone, and no rule is `closed`.
 */
export function rulesText(rules: readonly InboundRule[]): string {
  const [first, ...others] = rules;
  if (!first) return 'closed';
  const { protocol, ports, source } = first;
  const isSsh = protocol === 'tcp' && ports?.first === SSH_PORT && ports.last === SSH_PORT;
  if (others.length === 0 && isSsh && 'cidr' in source) return source.cidr;
  return rules.map(ruleText).toSorted().join(',');
}
