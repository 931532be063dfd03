import type { Connection } from '../../model/connection.ts';
import { requestedGb } from '../../model/disk.ts';
import type { FleetSpec } from '../../model/fleet.ts';
import { connectionKey, parseConnectionKey } from '../../model/identifiers.ts';
import { limitProfileOf } from '../../model/limits-in-force.ts';
import { isGoing, isOver } from '../../model/status.ts';
import type { Waiting } from '../../model/stuck.ts';
import { hasBlocksOfTypes, withBlocksOf } from '../../platform/governor/blocks-of-types.ts';
import type { QuotaNeed } from '../../platform/governor/quotas.ts';
import { readSites } from '../../platform/governor/read-sites.ts';
import { blocksAmong } from '../../platform/governor/reasons.ts';
import { typesOf } from '../../platform/placement/choose-type.ts';
import { readConnections } from '../../platform/store/connections.ts';
import { type FleetItem, readSpec } from '../../platform/store/fleets.ts';
import { readNetworkPartition } from '../../platform/store/networks.ts';
import { liveCount, type PlacementItem, unclaimedCount } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import { readRefusedRemovals } from '../networks/refused-removals.ts';
import { type SiteFacts, waitingOf } from './waiting.ts';

/** Maximum number of sites whose state one view reads. */
const MAX_SITES = 20;

/**
 * Reads why a fleet makes no progress: refused credentials, blocks that the governor knows, clouds that show nothing,
 * network resources and removals that fail. Makes a bounded number of reads by key. Makes none for a fleet that is not
 * being launched or removed.
 */
export async function readWaiting(
  store: Store<'fleets' | 'access' | 'governor'>,
  fleet: FleetItem,
  placements: readonly PlacementItem[],
): Promise<Waiting[]> {
  if (isOver(fleet.status)) return [];
  const { records, memberships } =
    fleet.work === undefined
      ? { records: [], memberships: [] }
      : await readNetworkPartition(store, { fleetId: fleet.fleetId });
  const networks = records.flatMap(({ status, ...item }) => (status === 'Gone' ? [] : [{ ...item, status }]));
  const isLeaving = fleet.work !== undefined && isGoing(fleet.status);
  const leaving = isLeaving ? await readRefusedRemovals(store, placements, MAX_SITES) : [];
  const standing = [...networks, ...memberships, ...leaving];
  const busy = placements.filter((one) => isBusy(fleet, one, standing));
  const seen = busy.slice(0, MAX_SITES);
  const [connections, known] = await Promise.all([connectionsOf(store, busy), readSites(store, seen)]);
  const states = seen.map((placement, at) => ({ placement, ...known[at] }));
  const isFiltered = states.some(({ state }) => state && hasBlocksOfTypes(state));
  const needs = isFiltered ? needsOf(await readSpec(store, fleet.fleetId)) : [];
  const nowMs = store.clock.now();
  const sites = states.map(({ placement, loop, state }): SiteFacts => {
    const connection = connections.get(placement.connectionKey);
    const limits = connection && limitProfileOf(connection, connection.limits);
    const blocks = state && limits ? blocksAmong(withBlocksOf(state, needs), limits, nowMs) : [];
    return { placement, connection, blind: loop?.blind ?? undefined, blocks };
  });
  return waitingOf({ fleet, sites, networks, memberships, leaving, nowMs });
}

/** Reads the connections of placements, at most `MAX_SITES`. @returns them by their keys */
async function connectionsOf(
  store: Store<'access'>,
  placements: readonly PlacementItem[],
): Promise<Map<string, Connection>> {
  const keys = [...new Set(placements.map((one) => one.connectionKey))].slice(0, MAX_SITES);
  const found = await readConnections(store, keys.map(parseConnectionKey));
  return new Map(found.map((one) => [connectionKey(one), one]));
}

/** Returns what the instances of a fleet need, for each of their instance types. */
function needsOf({ nodeGroups }: FleetSpec): QuotaNeed[] {
  return nodeGroups.flatMap((group) => {
    const diskGb = requestedGb(group);
    return typesOf(group).map(({ name, vcpus, memoryGb }) => ({
      instanceType: name,
      vcpus,
      memoryGb,
      ...(diskGb === undefined ? {} : { diskGb }),
    }));
  });
}

/** Returns true if instances of the placement are being launched or removed, or network resources are left there. */
function isBusy(
  { status, work }: FleetItem,
  placement: PlacementItem,
  networks: readonly { connectionKey: string; location: string }[],
): boolean {
  const { counts, connectionKey, location } = placement;
  if (isGoing(status)) {
    const isHere = (one: { connectionKey: string; location: string }) =>
      one.connectionKey === connectionKey && one.location === location;
    return liveCount(placement) > 0 || networks.some(isHere);
  }
  const isLaunching = work === 'provision' && unclaimedCount(placement) > 0;
  return isLaunching || (counts.Creating ?? 0) > 0 || (counts.Terminating ?? 0) > 0;
}
