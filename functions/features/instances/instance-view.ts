import { DRIVERS } from '../../drivers/registry.ts';
import type { EveryField } from '../../model/every-field.ts';
import type { Instance, NodeGroup } from '../../model/fleet.ts';
import { instanceId, parseInstanceId } from '../../model/identifiers.ts';
import { sshUserOf } from '../../model/ssh-user.ts';
import { type InstanceStatus, isGoing } from '../../model/status.ts';
import { choiceFor } from '../../platform/placement/choose-type.ts';
import { layOut, type Placement } from '../../platform/placement/lay-out.ts';
import { type FleetItem, readFleetItem, readSpec } from '../../platform/store/fleets.ts';
import { type InstanceItem, readInstanceRange, readInstances } from '../../platform/store/instances.ts';
import { type PlacementItem, readFleetPartition } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import { stuckView } from '../../platform/store/stuck.ts';
import { NOT_LAUNCHED, unclaimedStatus } from '../fleets/fleet-view.ts';
import { readWaiting } from '../fleets/read-waiting.ts';
import { onlyZone } from './zones.ts';

export interface InstanceFilter {
  status?: InstanceStatus | undefined;
  location?: string | undefined;
  connection?: string | undefined;
  nodeGroup?: string | undefined;
}

/**
 * Maximum number of positions (instances, with or without a record) that one page reads. The limit bounds the
 * time of a page if few positions match the filter. The next page begins after the last position that was
 * read.
 */
const POSITIONS_PER_PAGE = 2_000;

/**
 * Returns a page of a fleet's instances in the order of their positions. A position that was never claimed
 * has no record; its fields come from the layout. A page may be short or empty although more pages follow.
 *
 * @param cursor the position that the page begins with
 * @returns `cursor` is null after the last page; undefined if the namespace has no such fleet
 */
export async function listInstances(
  store: Store<'fleets'>,
  namespace: string,
  fleetId: string,
  { limit, cursor, ...filter }: { limit: number; cursor?: number | undefined } & InstanceFilter,
): Promise<{ items: Instance[]; cursor: number | null } | undefined> {
  const fleet = await readFleetItem(store, fleetId);
  if (fleet?.namespace !== namespace) return undefined;
  const slots = positions(layOut(await readSpec(store, fleetId)), cursor ?? 0).filter(
    ({ placement, group }) => mayFit(filter, placement, group),
  );
  const { placements } = await readFleetPartition(store, fleetId);
  const items: Instance[] = [];
  const step = filter.status === undefined && filter.location === undefined ? limit : 250;
  for (let at = 0; at < slots.length && at < POSITIONS_PER_PAGE; at += step) {
    const part = slots.slice(at, at + step);
    const records = await recordsOf(store, fleetId, part);
    for (const slot of part) {
      const view = viewOf(fleet, placements, slot, records.get(slot.index));
      if (filter.status !== undefined && view.status !== filter.status) continue;
      if (filter.location !== undefined && view.location !== filter.location) continue;
      if (items.length === limit) return { items, cursor: slot.index };
      items.push(view);
    }
  }
  const next = slots[Math.min(slots.length, Math.ceil(POSITIONS_PER_PAGE / step) * step)];
  return { items, cursor: next?.index ?? null };
}

/**
 * Reads one instance by its id, which contains the fleet id.
 *
 * @returns undefined if the namespace has no such instance
 */
export async function readInstance(
  store: Store<'fleets' | 'access' | 'governor'>,
  namespace: string,
  id: string,
): Promise<Instance | undefined> {
  const ref = parseInstanceId(id);
  const fleet = ref && (await readFleetItem(store, ref.fleetId));
  if (!ref || fleet?.namespace !== namespace) return undefined;
  const spec = await readSpec(store, ref.fleetId);
  const [slot] = positions(layOut(spec), ref.index).slice(0, 1);
  if (slot?.index !== ref.index) return undefined;
  const record = (await readInstances(store, [ref])).get(id);
  const isAtRest = record !== undefined && !(record.status in MAY_WAIT);
  const { placements } = isAtRest ? { placements: [] } : await readFleetPartition(store, ref.fleetId);
  const view = viewOf(fleet, placements, slot, record);
  if (!(view.status in MAY_WAIT)) return view;
  const here = placements.filter(
    (one) => one.connection === view.connection && one.location === view.location,
  );
  const waiting = await readWaiting(store, fleet, here);
  // What stops the removal of another instance does not stop this instance.
  return { ...view, waiting: waiting.filter(({ why, resource }) => why !== 'removal' || resource) };
}

/** Statuses of an instance that may wait for something: a key for each. */
const MAY_WAIT: Readonly<Partial<Record<InstanceStatus, true>>> = {
  Planned: true,
  Creating: true,
  Terminating: true,
};

interface Slot {
  index: number;
  /** Name of the machine. Absent: the request names no machines. */
  name?: string | undefined;
  placement: Placement;
  group: NodeGroup;
}

function positions(placements: readonly Placement[], from: number): Slot[] {
  return placements.flatMap((placement) =>
    placement.ranges.flatMap(({ group, first, count }) =>
      Array.from({ length: count }, (_, at) => ({
        index: first + at,
        name: group.machineNames?.[at],
        placement,
        group,
      })).filter(({ index }) => index >= from),
    ),
  );
}

/**
 * Returns true if a position may match the filter. Only the position's record shows whether the position
 * matches, because the instance may have moved to another location of its node group.
 */
function mayFit(filter: InstanceFilter, placement: Placement, group: NodeGroup): boolean {
  return (
    (filter.location === undefined || group.locations.includes(filter.location)) &&
    (filter.connection === undefined || filter.connection === placement.connection) &&
    (filter.nodeGroup === undefined || filter.nodeGroup === group.name)
  );
}

async function recordsOf(
  store: Store<'fleets'>,
  fleetId: string,
  slots: readonly Slot[],
): Promise<Map<number, InstanceItem>> {
  const [first, last] = [slots[0]?.index, slots.at(-1)?.index];
  if (first === undefined || last === undefined) return new Map();
  const sparse = last - first > 2 * slots.length;
  const records = sparse
    ? (
        await readInstances(
          store,
          slots.map(({ index }) => ({ fleetId, index })),
        )
      ).values()
    : await readInstanceRange(store, fleetId, first, last);
  return new Map([...records].map((record) => [record.index, record]));
}

/** Builds an instance's view from the fleet's layout and the instance's record. Pure. */
function viewOf(
  fleet: FleetItem,
  placements: readonly PlacementItem[],
  { index, name, placement, group }: Slot,
  record: InstanceItem | undefined,
): Instance {
  const claimed = record?.status === 'Planned' ? undefined : record?.status;
  const status = claimed ?? unclaimedStatus(fleet);
  const location = record?.location ?? placement.location;
  const blocked = placements.find(
    (one) => one.connectionKey === placement.connectionKey && one.location === location,
  )?.blocked;
  const choice = choiceFor(group, location, record ?? {});
  const view: EveryField<Instance> = {
    id: instanceId({ fleetId: fleet.fleetId, index }),
    fleetId: fleet.fleetId,
    name,
    nodeGroup: group.name,
    cloud: placement.cloud,
    connection: placement.connection,
    location,
    zone: record?.zone ?? onlyZone(group, location),
    status,
    target: isGoing(fleet.status) || record?.closeAs !== undefined ? 'Terminated' : 'Running',
    instanceType: record?.instanceType ?? choice.type.name,
    market: choice.market,
    image: group.image,
    labels: { ...fleet.labels, ...group.labels },
    publicIp: record?.publicIp,
    privateIp: record?.privateIp,
    ipv6: record?.ipv6,
    sshUser: DRIVERS[placement.driver].publicKeys && sshUserOf(placement.cloud, group.image),
    launchedAt: record?.launchedAt,
    runningAt: record?.runningAt,
    terminatedAt: record?.terminatedAt,
    backendId: record?.backendId,
    failure: record?.failure ?? (status === 'Failed' ? (blocked ?? NOT_LAUNCHED) : undefined),
    trouble: status === 'Undefined' ? record?.trouble : undefined,
    waiting: undefined,
    stuck: status === 'Terminating' && record?.stuck ? stuckView(record.stuck) : undefined,
    warnings: undefined,
  };
  return view;
}
