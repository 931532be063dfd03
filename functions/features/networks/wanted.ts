import { parseConnectionKey } from '../../model/identifiers.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import type { NetworkItem } from '../../platform/store/networks.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { securityGroupsOf } from './inbound-rules.ts';
import type { WantedShared } from './join.ts';
import { keyPairName, nameOfGroup, networkName } from './network-names.ts';
import { sharedIdentityOf } from './security-group.ts';
import { identityFor, keyPairIdentity, NETWORK_IDENTITY } from './shared-names.ts';
import { userKeyOf } from './user-key.ts';

/** The network resources that a fleet needs at a site. */
export interface Wanted {
  /** The records of those that belong to the fleet alone. */
  own: NetworkItem[];
  shared: WantedShared[];
}

/** Returns the network resources that the fleet's node groups at this site need. */
export async function wantedNetworks(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
): Promise<Wanted> {
  const layout = await context.layout(fleetId);
  const placement = layout.placements.find((one) => sameSite(one, site));
  if (!placement) throw new RangeError(`fleet ${fleetId} has no placement at ${site.location}`);
  const groups = placement.ranges.map(({ group }) => group);
  const item = (kind: NetworkItem['kind'], name: string, neededBy: string[]): NetworkItem => ({
    fleetId,
    ...site,
    kind,
    name,
    status: 'Creating',
    failingSinceMs: 0,
    claimUntilMs: 0,
    neededBy,
    createdAt: isoTime(context.store.clock.now()),
  });
  const everyone = groups.map(({ name }) => name);
  const byKey = Map.groupBy(groups, (group) => keyPairName(fleetId, site, userKeyOf(group)));
  const keyPairs = [...byKey].map(([name, members]) => {
    const key = members[0] && userKeyOf(members[0]);
    const neededBy = members.map((group) => group.name);
    return { ...item('key-pair', name, neededBy), ...(key ? { publicKey: key.text } : {}) };
  });
  if (placement.network.mode === 'existing') return { own: keyPairs, shared: [] };
  const own = [
    item('network', networkName(fleetId, site), everyone),
    ...keyPairs,
    ...securityGroupsOf(groups).map(({ neededBy, ...group }) => ({
      ...item('security-group', nameOfGroup(fleetId, site, group), neededBy),
      ...group,
    })),
  ];
  const { namespace: owner } = parseConnectionKey(site.connectionKey);
  const guest = layout.namespace === owner ? undefined : layout.namespace;
  return placement.network.mode === 'shared' ? divide(own, guest) : { own, shared: [] };
}

/**
 * Divides the resources of a fleet in a shared network: fleets share the network, the security groups whose rules name
 * only addresses, and the key pairs of users' own keys. A security group with a rule that names a node group of the fleet
 * is the fleet's own. So is the key pair of the key that the deployment makes for the fleet.
 *
 * @param guest the fleet's namespace, if the connection is of another one
 */
function divide(items: readonly NetworkItem[], guest: string | undefined): Wanted {
  const shared = items.flatMap((item) => {
    const identity = identityOf(item);
    const { kind, rules, publicKey, neededBy } = item;
    return identity === undefined
      ? []
      : [
          {
            item,
            wanted: {
              identity: identityFor(identity, guest),
              ...(guest === undefined ? {} : { namespace: guest }),
              kind,
              neededBy,
              ...(rules ? { rules } : {}),
              ...(publicKey === undefined ? {} : { publicKey }),
            },
          },
        ];
  });
  const isOfAll = new Set(shared.map(({ item }) => item));
  return { own: items.filter((item) => !isOfAll.has(item)), shared: shared.map(({ wanted }) => wanted) };
}

/** Returns the identity of the shared resource that serves as this one; undefined if the fleet needs its own. */
function identityOf({ kind, rules = [], nodeGroup, publicKey }: NetworkItem): string | undefined {
  switch (kind) {
    case 'network':
      return NETWORK_IDENTITY;
    case 'security-group':
      return sharedIdentityOf({ rules, ...(nodeGroup === undefined ? {} : { nodeGroup }) });
    case 'key-pair':
      return publicKey === undefined ? undefined : keyPairIdentity(publicKey);
  }
}
