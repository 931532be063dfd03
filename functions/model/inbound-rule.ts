import * as z from 'zod';
import { nameSchema } from './identifiers.ts';

export const RULE_PROTOCOLS = ['tcp', 'udp', 'icmp'] as const;
export type RuleProtocol = (typeof RULE_PROTOCOLS)[number];

const portSchema = z.int().min(0).max(65_535);

/** The first and the last port of a range. Both belong to the range. */
export const portRangeSchema = z.object({ first: portSchema, last: portSchema });
export type PortRange = z.infer<typeof portRangeSchema>;

/**
 * Allows inbound traffic to a machine: of one protocol, to one range of ports, from one source. The source is a range of
 * addresses, or the machines of a node group of the same fleet. Without ports, the rule allows all of the protocol.
 */
export const inboundRuleSchema = z.object({
  protocol: z.enum(RULE_PROTOCOLS),
  ports: portRangeSchema.exactOptional(),
  source: z.union([z.object({ cidr: z.string() }), z.object({ nodeGroup: nameSchema })]),
});
export type InboundRule = z.infer<typeof inboundRuleSchema>;

export const SSH_PORT = 22;

/** Returns the rule that allows SSH from a range of addresses. */
export function sshRule(cidr: string): InboundRule {
  return { protocol: 'tcp', ports: { first: SSH_PORT, last: SSH_PORT }, source: { cidr } };
}

/** Returns a text that two rules share if and only if they are equal. */
export function ruleText({ protocol, ports, source }: InboundRule): string {
  const range = ports ? `${ports.first}-${ports.last}` : 'all';
  return `${protocol} ${range} ${'cidr' in source ? source.cidr : `group:${source.nodeGroup}`}`;
}
