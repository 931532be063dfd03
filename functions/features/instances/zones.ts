import type { Failure } from '../../model/failure.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { SPOT_INTERRUPTED } from '../../model/lost-machine.ts';
import type { ZoneChoice } from '../../model/wanted-create.ts';
import { zoneChoiceOf } from '../../platform/placement/choose-zone.ts';
import type { Placement } from '../../platform/placement/lay-out.ts';
import type { InstanceItem, TriedZone } from '../../platform/store/instances.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { machineNetwork } from '../networks/machine-network.ts';

/**
 * Returns the zones in which the control plane may create an instance of the group at the site.
 *
 * @returns undefined if the cloud chooses the zone
 */
export async function zonesAt(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
  round: number,
  group: ZonedGroup,
): Promise<string[] | undefined> {
  const zones = (await machineNetwork(context, fleetId, site, round))?.zones;
  const named = zonesNamed(group, site.location);
  // Where the cloud usually chooses the zone, the control plane chooses among several zones that the user names.
  if (!zones) return named && named.length > 1 ? named : undefined;
  if (!named) return zones.map(({ zone }) => zone);
  const usable = named.filter((name) => zones.some(({ zone }) => zone === name));
  // If the network has no subnet in any of these zones, the attempt fails with an error that names the zone.
  return usable.length > 0 ? usable : named;
}

type ZonedGroup = Pick<NodeGroup, 'zone' | 'zonesIn'>;

/** Returns the zones that the node group names at the location; undefined if it names none. Pure. */
export function zonesNamed({ zone, zonesIn }: ZonedGroup, location: string): string[] | undefined {
  return zonesIn?.[location] ?? (zone === undefined ? undefined : [zone]);
}

/** Returns the zone that the node group names at the location, if it names only one. Pure. */
export function onlyZone(group: ZonedGroup, location: string): string | undefined {
  const named = zonesNamed(group, location);
  return named?.length === 1 ? named[0] : undefined;
}

/**
 * Returns the zones that an instance may still try, in any order: the zones that it has not tried. If there is none,
 * the zones that refused it only in a call for several machines: they may have room for one. Pure.
 */
export function openZones(zones: readonly string[], tried: readonly TriedZone[]): string[] {
  const untried = zones.filter((zone) => !tried.some((one) => one.zone === zone));
  if (untried.length > 0) return untried;
  return zones.filter((zone) => tried.some((one) => one.zone === zone && one.machines > 1));
}

/** What the record of an instance must say before the instance tries another zone of its location. */
export interface ZoneStep {
  triedZones: TriedZone[];
  callLimit?: number | undefined;
}

/**
 * Returns the next step of an instance whose attempt failed for a reason of its zone. Pure.
 *
 * @param zones the zones in which the instance may be created
 * @returns undefined if the failure does not concern the zone, or no zone is left
 */
export function nextZoneStep(
  { zone, triedZones, callLimit }: Pick<InstanceItem, 'zone' | 'triedZones' | 'callLimit'>,
  failure: Failure,
  zones: readonly string[] | undefined,
): ZoneStep | undefined {
  if (!zones || !concernsZone(failure)) return undefined;
  // A worker may die after it has claimed an attempt only to fail it. The next worker makes the call without a zone.
  if (zone === undefined)
    return openZones(zones, triedZones).length > 0 ? { triedZones, callLimit } : undefined;
  const here = { zone, machines: failure.machines ?? 1 };
  const tried = [...triedZones.filter((one) => one.zone !== zone), here];
  const open = openZones(zones, tried);
  if (open.length === 0) return undefined;
  const areNew = open.every((name) => !tried.some((one) => one.zone === name));
  return { triedZones: tried, callLimit: areNew ? callLimit : 1 };
}

/** Returns true if an attempt in another zone of the same location may succeed after this failure. Pure. */
export function concernsZone({ code, scope }: Failure): boolean {
  if (scope !== undefined) return scope === 'zone';
  return code === 'InsufficientCapacity' || code === SPOT_INTERRUPTED;
}

/** Returns what decides in which zone an instance is created; undefined if no zone may be chosen. Pure. */
export function choiceAmong(
  zones: readonly string[],
  triedZones: readonly TriedZone[],
  { placement, group }: { placement: Placement; group: NodeGroup },
  { fleetId, index, location }: { fleetId: string; index: number; location: string },
): ZoneChoice | undefined {
  const open = openZones(zones, triedZones);
  const tried = zones.filter((zone) => !open.includes(zone));
  const range = placement.ranges.find(({ first, count }) => index >= first && index < first + count);
  // Instances that have moved here from another location are spread among themselves.
  const position = range ? { at: index - range.first, of: range.count } : { at: 0, of: 1 };
  return zoneChoiceOf(zones, tried, position, `${fleetId} ${group.name} ${location}`);
}
