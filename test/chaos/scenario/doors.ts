import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import { Random } from '../time/random.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a user';

/**
 * Draws what node groups open to inbound traffic, who may sign in, and which machines have no public address, from a
 * random stream of its own. Some sources are node groups: the node group itself, or a node group that is split off at the
 * same sites.
 */
export function withDoors<Script extends { request: FleetRequest }>(
  seed: number,
  scripts: readonly Script[],
): Script[] {
  const random = new Random(seed, 'doors');
  return scripts.map((script) => {
    if (random.chance(0.5)) return script;
    const hasOwnKey = random.chance(0.3);
    const nodeGroups = script.request.nodeGroups.flatMap((group) => {
      const isSplit = group.size > 2 && random.chance(0.4);
      const back = `${group.name}-back`;
      const source = random.pick([`group:${group.name}`, `group:${isSplit ? back : group.name}`]);
      const ingress = [
        { protocol: 'tcp', ports: [443, '8000-8100'], from: ['203.0.113.0/24', source] },
        ...(random.chance(0.3) ? [{ protocol: 'icmp', from: ['2001:db8::/32'] }] : []),
      ];
      const more = {
        ...(random.chance(0.3) ? { publicIp: false } : {}),
        ...(hasOwnKey || random.chance(0.2) ? { ssh: { ...group.ssh, publicKeys: [KEY] } } : {}),
      };
      if (!isSplit) return [{ ...group, ...more, ingress }];
      const { minimumInstances: _, ...alike } = group;
      return [
        { ...group, ...more, size: group.size - 1, ingress },
        {
          ...alike,
          ...(hasOwnKey ? { ssh: more.ssh } : {}),
          name: back,
          size: 1,
          ...(random.chance(0.5) ? { ingress } : {}),
        },
      ];
    });
    return { ...script, request: fleetRequestSchema.parse({ ...script.request, nodeGroups }) };
  });
}
