import type { DriverMetadata } from '../../drivers/contract/metadata.ts';
import { isEverywhere } from '../../model/cidr.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import type { NodeGroupRequest } from '../../model/fleet-request.ts';
import { type InboundRule, type PortRange, SSH_PORT } from '../../model/inbound-rule.ts';
import type { Warning } from '../../model/warning.ts';
import { choicesAt, priceOf } from '../../platform/placement/choose-type.ts';
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
    { at: `${pointer}/ssh/allowFrom`, rules: inboundRulesOf({ ssh }) },
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

/**
 * Warns of user data on machines that reach nothing outside of their network: most user data fetches something. Whether
 * an image needs a route out is not known here. Pure.
 *
 * @param driver for a network that the driver makes. Whether a given network has a route out is not known here
 */
export function warnOfNoRoute(
  pointer: string,
  { publicIp, userData }: Pick<NodeGroupRequest, 'publicIp' | 'userData'>,
  { features }: Pick<DriverMetadata, 'features'>,
): Warning[] {
  if (publicIp !== false || userData === undefined || features.includes('private-route-out')) return [];
  const message =
    'the machines have no route out of their network, so that their user data cannot fetch anything: give them a public address, or an image that has everything';
  return [{ pointer: `${pointer}/publicIp`, code: 'no-route-out', message }];
}

/** Warns of instance types whose price is not known somewhere. The fleet's price and cost leave these out. Pure. */
export function warnOfPrices(
  pointer: string,
  meaning: Pick<
    NodeGroup,
    'instanceType' | 'types' | 'pricesUsdPerHour' | 'spotPricesUsdPerHour' | 'markets' | 'maxUsdPerHour'
  > & { locations: readonly string[] },
): Warning[] {
  const unknown = meaning.locations.flatMap((location) =>
    choicesAt(meaning, location).flatMap((choice) =>
      priceOf(choice, location) === undefined ? [`${choice.type.name} in ${location}`] : [],
    ),
  );
  const [first, ...others] = new Set(unknown);
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const field = meaning.types ? 'instanceTypes' : 'instanceType';
  const message = `the price of ${first} is not known${more}: the price and the cost of the fleet leave it out`;
  return [{ pointer: `${pointer}/${field}`, code: 'price-unknown', message }];
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
