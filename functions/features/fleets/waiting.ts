import type { Connection } from '../../model/connection.ts';
import type { GovernorReason } from '../../model/governor-view.ts';
import { isGoing } from '../../model/status.ts';
import { MAX_WAITING, type Waiting } from '../../model/stuck.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import type { FleetItem } from '../../platform/store/fleets.ts';
import type { Loop } from '../../platform/store/loops.ts';
import type { Membership, NetworkItem } from '../../platform/store/networks.ts';
import { liveCount, type PlacementItem, unclaimedCount } from '../../platform/store/placements.ts';
import type { SharedItem } from '../../platform/store/shared-networks.ts';
import { stuckView } from '../../platform/store/stuck.ts';

/** A site where a fleet has something to launch or to remove, and what is known about it. */
export interface SiteFacts {
  placement: PlacementItem;
  /** Absent: the connection does not exist any more. */
  connection: Connection | undefined;
  /** Why polls see nothing of the site. */
  blind: Loop['blind'] | undefined;
  /** What stops launches at the site. */
  blocks: readonly GovernorReason[];
}

export interface WaitingFacts {
  fleet: FleetItem;
  sites: readonly SiteFacts[];
  networks: readonly NetworkItem[];
  /** The shared network resources that the fleet uses. */
  memberships: readonly Membership[];
  /** Shared network resources at the sites whose removal fails. */
  leaving: readonly SharedItem[];
  nowMs: number;
}

/** If polls have seen nothing of a site for less than this time, in ms, the next poll may see it again. */
const BLIND_MS = 10_000;

/**
 * Lists why a fleet makes no progress, at most MAX_WAITING reasons. Reasons with a refused credential come first,
 * because nothing else can go on before. Pure.
 */
export function waitingOf({ fleet, sites, networks, memberships, leaving, nowMs }: WaitingFacts): Waiting[] {
  const refused = refusedConnections(sites);
  const isRefused = new Set(refused.map(({ connection }) => connection));
  const others = sites.filter(({ placement }) => !isRefused.has(placement.connection));
  return [
    ...refused,
    ...others.flatMap((site) => unreachable(site, nowMs)),
    ...others.flatMap((site) => blocked(fleet, site)),
    ...sites.flatMap(stuckRemovals),
    ...networks.flatMap((item) => stuckNetwork(fleet, sites, item)),
    ...memberships.flatMap((item) => waitingMember(fleet, sites, item)),
    ...leaving.flatMap((item) => stuckNetwork(fleet, sites, item)),
  ].slice(0, MAX_WAITING);
}

/** Returns one reason for each connection whose credential the cloud refuses. */
function refusedConnections(sites: readonly SiteFacts[]): Waiting[] {
  const byConnection = Map.groupBy(sites, ({ placement }) => placement.connection);
  return [...byConnection].flatMap(([connection, of]) => {
    const record = of.find((site) => site.connection?.failure !== undefined)?.connection;
    const blind = of.find((site) => site.blind?.code === 'Unauthorized')?.blind;
    const failure = record?.failure ?? blind;
    if (!failure) return [];
    const sinceMs = Math.min(...of.flatMap((site) => site.blind?.sinceMs ?? []));
    const since = record?.failedAt ?? (Number.isFinite(sinceMs) ? isoTime(sinceMs) : undefined);
    return [
      {
        why: 'connection',
        connection,
        code: failure.code,
        message: failure.message,
        ...(since === undefined ? {} : { since }),
        instances: of.reduce((sum, { placement }) => sum + waitingAt(placement), 0),
      },
    ];
  });
}

function unreachable({ placement, blind }: SiteFacts, nowMs: number): Waiting[] {
  const { counts, connection, location } = placement;
  if (!blind || blind.sinceMs + BLIND_MS > nowMs) return [];
  const { code, message, sinceMs } = blind;
  const instances = (counts.Creating ?? 0) + (counts.Terminating ?? 0);
  return [{ why: 'unreachable', connection, location, code, message, since: isoTime(sinceMs), instances }];
}

/** Returns the blocks of launches at a site, if launches of the fleet wait there. */
function blocked({ work, status }: FleetItem, { placement, blocks }: SiteFacts): Waiting[] {
  const instances = unclaimedCount(placement);
  if (work !== 'provision' || isGoing(status) || instances === 0) return [];
  const { connection, location } = placement;
  return blocks.flatMap((reason): Waiting[] => {
    const told = blockOf(reason);
    return told ? [{ ...told, connection, location, instances }] : [];
  });
}

type Told = Omit<Waiting, 'connection' | 'location' | 'instances'>;

/** Tells a block in words. @returns undefined for a reason that only paces launches */
function blockOf(reason: GovernorReason): Told | undefined {
  switch (reason.why) {
    case 'outage': {
      const { sinceAt, nextProbeAt } = reason;
      const message = `the location has accepted no launch since ${sinceAt}`;
      return { why: 'outage', code: 'Unavailable', message, since: sinceAt, nextTryAt: nextProbeAt };
    }
    case 'capacity': {
      const { instanceType, market, zone, sinceAt, until } = reason;
      const where = zone === undefined ? '' : ` in zone ${zone}`;
      const what = market === 'on-demand' ? 'capacity' : `${market.replace(/:.*/, '')} capacity`;
      const message = `the cloud had no ${what} of ${instanceType}${where}`;
      return { why: 'capacity', code: 'InsufficientCapacity', message, since: sinceAt, nextTryAt: until };
    }
    case 'quota': {
      const { message, sinceAt, retryAt } = reason;
      return { why: 'quota', code: 'QuotaExceeded', message, since: sinceAt, nextTryAt: retryAt };
    }
    case 'denied': {
      const { message, sinceAt, retryAt } = reason;
      return { why: 'denied', code: 'Forbidden', message, since: sinceAt, nextTryAt: retryAt };
    }
    case 'budget': {
      const message = `the limits of the connection allow no more creates now: ${reason.budget}`;
      return { why: 'budget', code: 'LimitReached', message, nextTryAt: reason.until };
    }
    case 'throttled': {
      if (reason.until === undefined) return undefined;
      const message = `the cloud throttled ${reason.call} calls`;
      const since = reason.sinceAt === undefined ? {} : { since: reason.sinceAt };
      return { why: 'throttled', code: 'Throttled', message, ...since, nextTryAt: reason.until };
    }
    case 'slots':
    case 'locations':
    case 'rate':
    case 'first-instance':
      return undefined;
  }
}

function stuckRemovals({ placement }: SiteFacts): Waiting[] {
  const { stuck, counts, connection, location } = placement;
  const terminating = counts.Terminating ?? 0;
  if (!stuck || terminating === 0) return [];
  const { instances, instanceId, ...failed } = stuck;
  const { message, ...rest } = stuckView(failed);
  const told = `the machine of ${instanceId} cannot be removed: ${message}`;
  return [
    {
      why: 'removal',
      connection,
      location,
      ...rest,
      message: told,
      instances: Math.min(instances, terminating),
    },
  ];
}

/** Returns what a fleet waits for before it can use a shared network resource. */
function waitingMember(
  fleet: FleetItem,
  sites: readonly SiteFacts[],
  { connectionKey, location, stuck, waitsFor }: Membership,
): Waiting[] {
  if (!stuck || !waitsFor) return [];
  return stuckNetwork(fleet, sites, { connectionKey, location, stuck, status: 'Creating', ...waitsFor });
}

type StuckResource = Pick<NetworkItem, 'stuck' | 'status' | 'kind' | 'name' | 'connectionKey' | 'location'>;

function stuckNetwork(fleet: FleetItem, sites: readonly SiteFacts[], item: StuckResource): Waiting[] {
  const { stuck, status, kind, name, connectionKey, location } = item;
  if (!stuck || status === 'Ready') return [];
  const site = sites.find(
    ({ placement }) => placement.connectionKey === connectionKey && placement.location === location,
  );
  if (!site) return [];
  const isRemoval = status === 'Deleting';
  if (!isRemoval && (fleet.work !== 'provision' || isGoing(fleet.status))) return [];
  return [
    {
      why: isRemoval ? 'removal' : 'network',
      connection: site.placement.connection,
      location,
      ...stuckView(stuck),
      instances: isRemoval ? 0 : unclaimedCount(site.placement),
      resource: { kind, name },
    },
  ];
}

/** Counts the instances of a placement that are being launched or removed. */
function waitingAt(placement: PlacementItem): number {
  const { counts } = placement;
  const inTransition = (counts.Creating ?? 0) + (counts.Terminating ?? 0);
  return placement.launching === 'on'
    ? inTransition + unclaimedCount(placement)
    : inTransition || liveCount(placement);
}
