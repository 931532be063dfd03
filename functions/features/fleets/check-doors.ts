import type { DriverMetadata } from '../../drivers/contract/metadata.ts';
import { DRIVERS } from '../../drivers/registry.ts';
import type { DriverName } from '../../model/connection.ts';
import type { NodeGroupRequest } from '../../model/fleet-request.ts';
import { groupOfSource, type IngressEntry } from '../../model/ingress.ts';
import { publicKeyOf } from '../../model/ssh-public-key.ts';
import { inboundRulesOf } from '../networks/inbound-rules.ts';
import type { RequestError } from './check-words.ts';
import type { LocatedGroup } from './choose-networks.ts';

type Facts = Pick<DriverMetadata, 'title' | 'features' | 'maxInboundRules' | 'publicKeys'>;
/**
 * Number of rules from which a node group is refused before its rules are counted exactly. No cloud has as many in one
 * security group, and counting exactly takes time.
 */
const FAR_TOO_MANY = 5_000;

/** Checks the sources of a request that are node groups: each must be in the fleet, and at a site of the node group. */
export function checkGroupSources(nodeGroups: readonly NodeGroupRequest[]): RequestError[] {
  const byName = new Map(nodeGroups.map((group) => [group.name, group]));
  return nodeGroups.flatMap((group, at) =>
    sourcesOf(group, `/nodeGroups/${at}`).flatMap(({ pointer, text }): RequestError[] => {
      const name = groupOfSource(text);
      if (name === undefined) return [];
      const source = byName.get(name);
      if (!source) {
        const message = `the fleet has no node group ${name}`;
        return [{ pointer, code: 'unknown-node-group', message }];
      }
      const isNear =
        source.connection === group.connection &&
        source.locations.some((location) => group.locations.includes(location));
      if (isNear) return [];
      const message = `node group ${name} has no location of connection ${group.connection} in common with this node group: name a range of addresses instead`;
      return [{ pointer, code: 'no-common-location', message }];
    }),
  );
}

/** Checks what a node group opens to inbound traffic against what the driver's clouds have. Pure. */
export function checkDoors(
  { pointer, group, connection }: Pick<LocatedGroup, 'pointer' | 'group' | 'connection'>,
  drivers: Readonly<Record<DriverName, Facts>> = DRIVERS,
): RequestError[] {
  const { title, features, maxInboundRules } = drivers[connection.driver];
  const errors = sourcesOf(group, pointer).flatMap(({ pointer: at, text }): RequestError[] => {
    if (groupOfSource(text) !== undefined)
      return features.includes('group-sources') ? [] : [unsupported(at, 'rules from a node group', title)];
    return text.includes(':') && !features.includes('ipv6-rules')
      ? [unsupported(at, 'rules from IPv6 addresses', title)]
      : [];
  });
  const ssh = group.ssh?.allowFrom;
  if (ssh?.includes(':') && !features.includes('ipv6-rules'))
    errors.push(unsupported(`${pointer}/ssh/allowFrom`, 'rules from IPv6 addresses', title));
  const count = countRules(group);
  if (count > maxInboundRules) {
    const rules = count > FAR_TOO_MANY ? `more than ${FAR_TOO_MANY}` : String(count);
    const message = `makes ${rules} rules, one for each port or range of ports from each source${ssh === undefined ? '' : ', and one for SSH'}; ${title} takes at most ${maxInboundRules} for one node group`;
    errors.push({ pointer: `${pointer}/ingress`, code: 'too-many-rules', message });
  }
  return [
    ...errors,
    ...addressErrors(pointer, group, drivers[connection.driver]),
    ...keyErrors(pointer, group, drivers[connection.driver]),
  ];
}

function addressErrors(
  pointer: string,
  { publicIp }: NodeGroupRequest,
  { title, features }: Facts,
): RequestError[] {
  if (publicIp === undefined) return [];
  const at = `${pointer}/publicIp`;
  if (publicIp)
    return features.includes('public-ips') ? [] : [unsupported(at, 'machines with a public address', title)];
  return features.includes('private-only')
    ? []
    : [unsupported(at, 'machines without a public address', title)];
}

function keyErrors(
  pointer: string,
  { ssh }: NodeGroupRequest,
  { title, publicKeys: accepted }: Facts,
): RequestError[] {
  const at = `${pointer}/ssh/publicKeys`;
  const asked = ssh?.publicKeys;
  if (asked === undefined) return [];
  if (!accepted) return [unsupported(at, 'public keys of users', title)];
  const { maxPerMachine, types } = accepted;
  if (asked.length > maxPerMachine) {
    const message = `must have at most ${maxPerMachine}, because the driver of ${title} gives a machine no more; let userData add the others`;
    return [{ pointer: at, code: 'too-big', message }];
  }
  return asked.flatMap((line, index): RequestError[] => {
    const { type } = publicKeyOf(line);
    if (types.includes(type)) return [];
    const message = `${title} takes no key of type ${type}; it takes: ${types.join(', ')}`;
    return [{ pointer: `${at}/${index}`, code: 'unsupported', message }];
  });
}

/** Counts the rules of a node group exactly, unless there are far too many. */
function countRules(group: NodeGroupRequest): number {
  const most = (group.ingress ?? []).reduce((sum, entry) => sum + mostRulesOf(entry), 1);
  return most > FAR_TOO_MANY ? most : inboundRulesOf(group).length;
}

const mostRulesOf = ({ ports, from }: IngressEntry): number => (ports?.length ?? 1) * from.length;

function sourcesOf(
  { ingress = [] }: Pick<NodeGroupRequest, 'ingress'>,
  pointer: string,
): { pointer: string; text: string }[] {
  return ingress.flatMap(({ from }, entry) =>
    from.map((text, at) => ({ pointer: `${pointer}/ingress/${entry}/from/${at}`, text })),
  );
}

const unsupported = (pointer: string, what: string, title: string): RequestError => ({
  pointer,
  code: 'unsupported',
  message: `the driver of ${title} does not support ${what}`,
});
