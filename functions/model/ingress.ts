import * as z from 'zod';
import { nameSchema } from './identifiers.ts';
import { type PortRange, RULE_PROTOCOLS } from './inbound-rule.ts';

const MAX_ENTRIES = 20;
const MAX_PORTS = 60;
const MAX_SOURCES = 60;
const HIGHEST_PORT = 65_535;
const GROUP = 'group:';

const NO_PORT = `must be a port from 1 to ${HIGHEST_PORT}, or a range such as 8000-8100`;
const portsSchema = z.union(
  [
    z.int().min(1).max(HIGHEST_PORT),
    z.string().refine((text) => portRangeOf(text) !== undefined, {
      message: NO_PORT,
      params: { code: 'invalid-format' },
    }),
  ],
  NO_PORT,
);

const NO_SOURCE =
  'must be a CIDR, such as 203.0.113.0/24, or group:NAME for the machines of a node group of this fleet';
/** A range of addresses, or the machines of a node group of the same fleet. */
const sourceSchema = z.union(
  [
    z.cidrv4(),
    z.cidrv6(),
    z
      .string()
      .regex(/^group:/)
      .refine((text) => nameSchema.safeParse(text.slice(GROUP.length)).success, {
        message: NO_SOURCE,
        params: { code: 'invalid-format' },
      }),
  ],
  NO_SOURCE,
);

/** Inbound traffic that a node group allows: of one protocol, to some ports, from some sources. */
export const ingressEntrySchema = z
  .object({
    protocol: z.enum(RULE_PROTOCOLS).describe('The protocol of the traffic.'),
    ports: z
      .array(portsSchema)
      .min(1)
      .max(MAX_PORTS)
      .exactOptional()
      .describe('Ports and ranges of ports, such as 443 and "8000-8100". For tcp and udp only.'),
    from: z
      .array(sourceSchema)
      .min(1)
      .max(MAX_SOURCES)
      .describe('Ranges of addresses, and `group:NAME` for the machines of a node group of the same fleet.'),
  })
  .strict()
  .superRefine(({ protocol, ports }, context) => {
    if (protocol === 'icmp' && ports) {
      const message = 'must be left out, because ICMP has no ports';
      context.addIssue({ code: 'custom', path: ['ports'], message, params: { code: 'not-allowed' } });
    }
    if (protocol !== 'icmp' && !ports) {
      const message = `must be given for ${protocol}: a list of ports and ranges, such as [443, "8000-8100"]`;
      context.addIssue({ code: 'custom', path: ['ports'], message, params: { code: 'missing' } });
    }
  });
export type IngressEntry = z.infer<typeof ingressEntrySchema>;

export const ingressSchema = z
  .array(ingressEntrySchema)
  .max(MAX_ENTRIES)
  .describe(
    'The inbound traffic that the machines accept. Absent: none, also not between machines of one fleet.',
  );

/** Reads a port or a range of ports; undefined if the text is neither. */
export function portRangeOf(port: number | string): PortRange | undefined {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(port)) ?? [];
  const range = { first: Number(first), last: Number(last) };
  return range.first >= 1 && range.first <= range.last && range.last <= HIGHEST_PORT ? range : undefined;
}

/** Returns the node group that a source names; undefined if the source is a range of addresses. */
export function groupOfSource(source: string): string | undefined {
  return source.startsWith(GROUP) ? source.slice(GROUP.length) : undefined;
}
