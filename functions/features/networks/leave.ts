import { leaveShared, type MembershipResource, readMembership } from '../../platform/store/memberships.ts';
import { type Membership, readNetworks } from '../../platform/store/networks.ts';
import { liveGroups, type PlacementItem, readPlacement } from '../../platform/store/placements.ts';
import { Contended } from '../../platform/store/versioned.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import type { RemovalScope, RemoveNetworksMessage } from '../../platform/workflow/messages.ts';

/** Maximum number of resources that a fleet leaves in one transaction, which may have 100 items. */
const LEFT_TOGETHER = 90;
const TRIES = 12;
const PAUSE_MS = 40;

type Leaving = Pick<RemoveNetworksMessage, 'fleetId' | 'connectionKey' | 'location' | 'scope'>;

/**
 * Ends a fleet's use of the shared resources that it does not need any more at a site.
 *
 * @param what `access`: all but the network. `all`: the network, too, if the fleet has nothing left in it
 * @returns `occupied` if the whole fleet is being removed, and an instance of it may still exist at the site
 * @throws Contended if other workers changed the resources during every attempt
 */
export async function leaveNetworks(
  { store }: WorkerContext,
  { scope, ...ref }: Leaving,
  what: 'access' | 'all',
): Promise<'left' | 'occupied'> {
  for (let attempt = 1; attempt <= TRIES; ) {
    const membership = await readMembership(store, ref);
    if (!membership) return 'left';
    const placement = await readPlacement(store, ref.fleetId, ref.connectionKey, ref.location);
    if (!placement) throw new Error(`fleet ${ref.fleetId} has no placement at ${ref.location}`);
    if (scope === 'fleet' && liveGroups(placement).size > 0) return 'occupied';
    const unneeded = unneededOf(membership, placement, scope);
    const isLast = what === 'all' && unneeded.length === membership.resources.length;
    const isTogether = isLast && unneeded.length <= LEFT_TOGETHER && !(await hasSecurityGroup(store, ref));
    const access = unneeded.filter(({ kind }) => kind !== 'network').slice(0, LEFT_TOGETHER);
    const leaving = isTogether ? unneeded : access;
    if (leaving.length === 0) return 'left';
    if (await leaveShared(store, membership, placement, leaving)) continue;
    await store.clock.sleep(store.random() * PAUSE_MS * attempt);
    attempt += 1;
  }
  throw new Contended(`shared networks at ${ref.location}`);
}

/** Returns true if the fleet has a security group of its own at the site. It may be in the shared network. */
async function hasSecurityGroup(
  store: WorkerContext['store'],
  ref: Omit<Leaving, 'scope'>,
): Promise<boolean> {
  return (await readNetworks(store, ref)).some(({ kind }) => kind === 'security-group');
}

/** Returns the resources that no remaining instance needs. If launches may begin, all resources are needed. */
function unneededOf(
  { resources }: Membership,
  placement: PlacementItem,
  scope: RemovalScope,
): MembershipResource[] {
  if (placement.launching === 'on') return [];
  if (scope === 'fleet') return resources;
  const live = liveGroups(placement);
  return resources.filter(({ neededBy }) => !neededBy.some((group) => live.has(group)));
}
