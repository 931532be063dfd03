import type { NodeGroup } from '../../../functions/model/fleet.ts';
import type { InstanceItem } from '../../../functions/platform/store/instances.ts';
import type { InstanceRecord } from '../../../local/sim/engine/records.ts';
import type { Site } from '../../../local/sim/engine/state.ts';

/** A machine that runs, with the record and the node group that it belongs to. */
export interface DoorsOf {
  machine: InstanceRecord;
  record: Pick<InstanceItem, 'instanceId' | 'fleetId' | 'nodeGroup' | 'connectionKey' | 'location'>;
  group: NodeGroup;
}

/**
 * Compares the addresses and the keys of machines with what their node groups request.
 *
 * @returns a text for each machine with a wrong public address or key pair
 */
export function wrongAccess(machines: readonly DoorsOf[], sites: readonly Site[]): string[] {
  const keyOf = new Map(
    sites.flatMap(({ resources }) =>
      [...resources.values()].map((one) => [one.backendId, one.publicKey] as const),
    ),
  );
  return machines.flatMap(({ machine, record, group }) => {
    const texts: string[] = [];
    if ((machine.publicIp !== undefined) !== (group.publicIp ?? true))
      texts.push(`${record.instanceId} has the public address ${machine.publicIp}`);
    const [own] = group.ssh?.publicKeys ?? [];
    const key = keyOf.get(machine.keyPairId);
    const isRight =
      own === undefined ? key?.startsWith('ssh-rsa ') : key !== undefined && own.startsWith(key);
    if (!isRight) texts.push(`${record.instanceId} accepts the key ${key}`);
    return texts;
  });
}

/**
 * Compares the inbound traffic that the clouds let through to each machine with what its node group requests. A source
 * that is a node group must let through the machines of that node group of the same fleet at the same site, and no
 * others.
 *
 * @returns a text for each machine that is open too wide or not wide enough
 */
export function wrongDoors(machines: readonly DoorsOf[], sites: readonly Site[]): string[] {
  const rulesOf = new Map(
    sites.flatMap(({ resources }) =>
      [...resources.values()].map(({ backendId, rules = [] }) => [backendId, rules] as const),
    ),
  );
  return machines.flatMap((one) => {
    const { machine, record, group } = one;
    const peers = machines.filter(
      ({ record: other }) =>
        other.fleetId === record.fleetId &&
        other.connectionKey === record.connectionKey &&
        other.location === record.location,
    );
    const actual = machine.securityGroupIds.flatMap((id) =>
      (rulesOf.get(id) ?? []).map(({ protocol, ports, from }) => {
        const through = machines.filter((other) => other.machine.securityGroupIds.includes(from));
        const who = from.includes('/') ? from : idsOf(through);
        return `${protocol} ${ports ? `${ports.first}-${ports.last}` : 'all'} ${who}`;
      }),
    );
    const expected = requested(group).map(({ rule, from }) => {
      const name = from.startsWith('group:') ? from.slice('group:'.length) : undefined;
      return `${rule} ${name === undefined ? from : idsOf(peers.filter((peer) => peer.group.name === name))}`;
    });
    const [is, should] = [textOf(actual), textOf(expected)];
    return is === should
      ? []
      : [`${record.instanceId} lets through [${is}], and should let through [${should}]`];
  });
}

function requested({ ssh, ingress = [] }: NodeGroup): { rule: string; from: string }[] {
  const entries = [
    ...(ssh?.allowFrom === undefined ? [] : [{ rule: 'tcp 22-22', from: ssh.allowFrom }]),
    ...ingress.flatMap(({ protocol, ports = ['all'], from }) =>
      ports.flatMap((port) => {
        const range = typeof port === 'number' ? `${port}-${port}` : port;
        return from.map((source) => ({ rule: `${protocol} ${range}`, from: source }));
      }),
    ),
  ];
  return entries;
}

const idsOf = (some: readonly DoorsOf[]): string =>
  some
    .map(({ record }) => record.instanceId)
    .toSorted()
    .join('+');
const textOf = (rules: readonly string[]): string => [...new Set(rules)].toSorted().join(', ');
