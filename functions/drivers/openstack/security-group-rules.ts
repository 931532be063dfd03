import * as z from 'zod';
import type { AllowRule } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { type SecurityGroup, securityGroupSchema } from './neutron-answers.ts';
import type { Region } from './region.ts';

/** A rule in Neutron's fields, without the group that it belongs to. Null: any. */
interface NeutronRule {
  direction: 'ingress';
  ethertype: 'IPv4' | 'IPv6';
  protocol: string;
  port_range_min: number | null;
  port_range_max: number | null;
  remote_ip_prefix: string | null;
  remote_group_id: string | null;
}

/** Number of tries to make the missing rules. A try fails if a concurrent call makes one of the rules first. */
const TRIES = 3;

/**
 * Makes the rules that the group does not have yet. One request makes all of them or none. It therefore leaves no group
 * with a part of its rules. Neutron may make a rule twice for two concurrent requests: the later call removes the double.
 *
 * @throws DriverError QuotaExceeded if the project's quota of rules is used up
 */
export async function ensureRules(
  region: Region,
  group: SecurityGroup,
  rules: readonly AllowRule[],
): Promise<void> {
  const wanted = rules.map(neutronRule);
  let known = group.security_group_rules;
  for (let attempt = 1; ; attempt += 1) {
    const existing = new Set(known.map(textOf));
    const missing = wanted.filter((rule) => !existing.has(textOf(rule)));
    if (missing.length === 0) return;
    try {
      await region.call('network', {
        method: 'POST',
        path: ['security-group-rules'],
        body: {
          security_group_rules: missing.map((rule) => ({ security_group_id: group.id, ...rule })),
        },
        answer: z.unknown(),
      });
      return await removeDoubles(region, group.id);
    } catch (error) {
      // A concurrent call has made at least one of the rules.
      if (!(error instanceof DriverError) || error.code !== 'Conflict' || attempt === TRIES) throw error;
    }
    known = (await readGroup(region, group.id)).security_group_rules;
  }
}

/** Removes all rules that equal another rule with a lower id. Concurrent calls remove the same ones. */
async function removeDoubles(region: Region, groupId: string): Promise<void> {
  const { security_group_rules: rules } = await readGroup(region, groupId);
  for (const equal of Map.groupBy(rules, textOf).values()) {
    const [, ...doubles] = equal.map(({ id }) => id).toSorted();
    for (const id of doubles) await region.remove('network', ['security-group-rules', id]);
  }
}

async function readGroup(region: Region, id: string): Promise<SecurityGroup> {
  const { security_group } = await region.call('network', {
    method: 'GET',
    path: ['security-groups', id],
    answer: z.object({ security_group: securityGroupSchema }),
  });
  return security_group;
}

function neutronRule({ protocol, ports, source }: AllowRule): NeutronRule {
  const isIpv6 = 'cidr' in source && source.cidr.includes(':');
  return {
    direction: 'ingress',
    ethertype: isIpv6 ? 'IPv6' : 'IPv4',
    protocol: protocol === 'icmp' && isIpv6 ? 'ipv6-icmp' : protocol,
    port_range_min: ports?.first ?? null,
    port_range_max: ports?.last ?? null,
    remote_ip_prefix: 'cidr' in source ? source.cidr : null,
    remote_group_id: 'cidr' in source ? null : source.securityGroupBackendId,
  };
}

/** Returns a text that two rules of one group share if and only if they are equal. */
function textOf(rule: {
  direction: string;
  ethertype?: string | null | undefined;
  protocol?: string | null | undefined;
  port_range_min?: number | null | undefined;
  port_range_max?: number | null | undefined;
  remote_ip_prefix?: string | null | undefined;
  remote_group_id?: string | null | undefined;
}): string {
  return JSON.stringify([
    rule.direction,
    rule.ethertype ?? null,
    rule.protocol ?? null,
    rule.port_range_min ?? null,
    rule.port_range_max ?? null,
    rule.remote_ip_prefix ?? null,
    rule.remote_group_id ?? null,
  ]);
}
