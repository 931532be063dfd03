import { isEverywhere } from '../../model/cidr.ts';
import type { NodeGroupRequest } from '../../model/fleet-request.ts';
import { type InboundRule, type PortRange, SSH_PORT } from '../../model/inbound-rule.ts';
import type { Warning } from '../../model/warning.ts';
import { inboundRulesOf } from '../networks/inbound-rules.ts';

const REMOTE_DESKTOP_PORT = 3_389;
/** Number of ports that may be open to every address without a warning. */
const MANY_PORTS = 100;
const ALL_PORTS: PortRange = { first: 0, last: 65_535 };

/**
 * Warns of ports that a node group opens to every address: those of remote access, and more than 100 in all. Pure.
 *
 * @param pointer JSON pointer of the group in the request body
 */
export function warnOfOpenDoors(
  pointer: string,
  { ssh, ingress = [] }: Pick<NodeGroupRequest, 'ssh' | 'ingress'>,
): Warning[] {
  const entries = [
    ...(ssh ? [{ at: `${pointer}/ssh/allowFrom`, rules: inboundRulesOf({ ssh }) }] : []),
    ...ingress.map((entry, index) => ({
      at: `${pointer}/ingress/${index}`,
      rules: inboundRulesOf({ ingress: [entry] }),
    })),
  ].map(({ at, rules }) => ({ at, open: rules.filter(isOpen) }));
  const remote = entries.flatMap(({ at, open }) =>
    (
      [
        [SSH_PORT, 'SSH'],
        [REMOTE_DESKTOP_PORT, 'remote desktop'],
      ] as const
    ).flatMap(([port, what]): Warning[] =>
      open.some((rule) => allows(rule, port))
        ? [
            {
              pointer: at,
              code: 'open-to-everyone',
              message: `port ${port} (${what}) is open to every address: name the ranges of addresses that need it`,
            },
          ]
        : [],
    ),
  );
  const count = countPorts(entries.flatMap(({ open }) => open));
  if (count <= MANY_PORTS) return remote;
  const message = `${count} ports are open to every address: name only the ports that the machines serve`;
  return [...remote, { pointer: `${pointer}/ingress`, code: 'many-open-ports', message }];
}

const isOpen = ({ protocol, source }: InboundRule): boolean =>
  protocol !== 'icmp' && 'cidr' in source && isEverywhere(source.cidr);

const allows = ({ ports = ALL_PORTS }: InboundRule, port: number): boolean =>
  ports.first <= port && port <= ports.last;

/** Counts the distinct ports of the rules. A port of TCP and the same port of UDP are two ports. */
function countPorts(rules: readonly InboundRule[]): number {
  let count = 0;
  for (const ofProtocol of Map.groupBy(rules, ({ protocol }) => protocol).values()) {
    let next = 0;
    for (const { first, last } of ofProtocol
      .map(({ ports = ALL_PORTS }) => ports)
      .toSorted((a, b) => a.first - b.first)) {
      count += Math.max(0, last - Math.max(first, next) + 1);
      next = Math.max(next, last + 1);
    }
  }
  return count;
}
