import { canonicalCidr } from '../../model/cidr.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import type { NodeGroupRequest } from '../../model/fleet-request.ts';
import { type InboundRule, ruleText, SSH_PORT, sshRule } from '../../model/inbound-rule.ts';
import { groupOfSource, type IngressEntry, portRangeOf } from '../../model/ingress.ts';

/** The fields of a node group that open its machines to inbound traffic. */
export type Doors = Pick<NodeGroupRequest, 'ssh' | 'ingress'>;

/** Returns the rules for inbound traffic to a node group's machines, each once. */
export function inboundRulesOf({ ssh, ingress = [] }: Doors): InboundRule[] {
  const rules = [...sshRulesOf(ssh), ...ingress.flatMap(rulesOfEntry)];
  return [...new Map(rules.map((rule) => [ruleText(rule), rule])).values()];
}

function sshRulesOf(ssh: Doors['ssh']): InboundRule[] {
  if (ssh === undefined) return [];
  const { allowFrom, publicKeys: _keys, ...rest } = ssh;
  // A new field of `ssh` makes this line a type error, because the rules may depend on that field, too.
  rest satisfies Record<string, never>;
  return allowFrom === undefined ? [] : [sshRule(canonicalCidr(allowFrom))];
}

/** Returns the rules of one entry: one for each of its ports from each of its sources. */
export function rulesOfEntry({ protocol, ports, from }: IngressEntry): InboundRule[] {
  const ranges = ports?.map(portRangeOf) ?? [undefined];
  return ranges.flatMap((range) =>
    from.map((text) => {
      const nodeGroup = groupOfSource(text);
      const source = nodeGroup === undefined ? { cidr: canonicalCidr(text) } : { nodeGroup };
      return { protocol, ...(range ? { ports: range } : {}), source };
    }),
  );
}

/** A security group that a fleet needs at a site. */
export interface WantedSecurityGroup {
  rules: InboundRule[];
  /**
   * The node group whose machines the security group marks, as the source of rules of other security groups. Absent: the
   * security group allows traffic to its machines by its rules.
   */
  nodeGroup?: string;
  /** The node groups whose machines, or whose rules, need the security group. */
  neededBy: string[];
}

type Group = Doors & Pick<NodeGroup, 'name'>;

/**
 * Returns the security groups that the node groups at one site need: one for each set of rules, and one for each node
 * group that is the source of a rule. The latter come first.
 */
export function securityGroupsOf(groups: readonly Group[]): WantedSecurityGroup[] {
  const each = groups.map((group) => ({ group, rules: rulesAmong(group, groups) }));
  const bySet = Map.groupBy(each, ({ rules }) => rulesText(rules));
  const sets = [...bySet.values()].flatMap((members): WantedSecurityGroup[] => {
    const [first] = members;
    return first ? [{ rules: first.rules, neededBy: members.map(({ group }) => group.name) }] : [];
  });
  const marks = groups.flatMap(({ name }): WantedSecurityGroup[] => {
    const users = each.filter(({ rules }) => rules.some(({ source }) => isMachinesOf(name, source)));
    const neededBy = new Set([name, ...users.map(({ group }) => group.name)]);
    return users.length > 0 ? [{ rules: [], nodeGroup: name, neededBy: [...neededBy] }] : [];
  });
  return [...marks, ...sets];
}

/** Returns the security groups of `securityGroupsOf` that a machine of the node group has: at least one. */
export function securityGroupsOfMachine(
  group: Group,
  groups: readonly Group[],
): Pick<WantedSecurityGroup, 'rules' | 'nodeGroup'>[] {
  const isSource = groups.some(({ ingress = [] }) =>
    ingress.some(({ from }) => from.some((text) => groupOfSource(text) === group.name)),
  );
  return [{ rules: rulesAmong(group, groups) }, ...(isSource ? [{ rules: [], nodeGroup: group.name }] : [])];
}

/** Returns the rules of a node group at one site. A node group that has no machines there is no source there. */
function rulesAmong(group: Group, groups: readonly Group[]): InboundRule[] {
  const names = new Set(groups.map(({ name }) => name));
  return inboundRulesOf(group).filter(({ source }) => 'cidr' in source || names.has(source.nodeGroup));
}

const isMachinesOf = (name: string, source: InboundRule['source']): boolean =>
  'nodeGroup' in source && source.nodeGroup === name;

/** Returns true if the security group has a rule whose source is the machines of a node group. */
export function hasGroupSource({ rules = [] }: { rules?: readonly InboundRule[] | undefined }): boolean {
  return rules.some(({ source }) => 'nodeGroup' in source);
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
