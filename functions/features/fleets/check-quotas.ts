import { DRIVERS } from '../../drivers/registry.ts';
import type { Connection } from '../../model/connection.ts';
import { REQUEST_MORE } from '../../model/limit-tiers.ts';
import { type Quota, type QuotaReading, type QuotaUnit, REQUEST_QUOTA } from '../../model/quota.ts';
import type { Warning } from '../../model/warning.ts';
import { type Demand, findOverflow } from '../../platform/placement/fit-demands.ts';
import {
  type InstanceNeed,
  kindOf,
  leastNeed,
  mayNeed,
  mostInstances,
  type QuotaNeed,
  quotaNeedOf,
} from './quota-kinds.ts';
import type { RequestError } from './request-error.ts';

/** Age in ms from which a quota may have been raised so long ago that it refuses no request. */
const OLD_MS = 24 * 3_600_000;
/** Maximum number of quotas that one message names. */
const MOST_NAMED = 3;

/** A node group of a request, with all that its need of quotas depends on. */
export interface QuotaDemand extends InstanceNeed {
  /** JSON pointer of the group in the request body. */
  pointer: string;
  connection: Connection;
  size: number;
}

interface NeedyGroup {
  group: QuotaDemand;
  need: QuotaNeed;
}

/** A quota at a location, and what was read of it. */
interface KnownQuota {
  quota: Quota;
  location: string;
  readAt: string;
  /** What the quota has for a fleet: its limit, or what is left of it. */
  room: number;
}

/**
 * Finds node groups that need more than the quotas that were read of their connection's account. A group may be spread
 * over its locations in any way, because an instance that meets a quota is tried at the others. Pure.
 *
 * @param readings what was read at the locations of the connections, by name of the connection
 * @returns an error for what can never fit the limits, by readings of the last day; a warning for what fits the limits,
 *   but not what is left of them, and for what does not fit limits that were read earlier
 */
export function checkQuotas(
  demands: readonly QuotaDemand[],
  readings: ReadonlyMap<string, readonly QuotaReading[]>,
  nowMs: number,
): { errors: RequestError[]; warnings: Warning[] } {
  const byConnection = [...Map.groupBy(demands, ({ connection }) => connection.name)];
  const findings = byConnection.map(([name, ofConnection]) => {
    const known = readings.get(name) ?? [];
    if (known.length === 0) return { limits: [], left: [] };
    const groups = ofConnection.map((group) => ({
      group,
      need: quotaNeedOf(group, DRIVERS[group.connection.driver]),
    }));
    const limits = shortfalls(
      groups,
      quotasOf(known, nowMs - OLD_MS, ({ limit }) => limit),
      'limit',
    );
    const left = shortfalls(
      groups,
      quotasOf(known, 0, ({ limit, used = 0 }) => Math.max(0, limit - used)),
      'left',
    );
    return { limits, left };
  });
  return {
    errors: findings.flatMap(({ limits }) => limits.map((one) => ({ ...one, code: 'above-quota' }))),
    warnings: findings.flatMap(({ left }) => left.map((one) => ({ ...one, code: 'quota-short' }))),
  };
}

function quotasOf(
  readings: readonly QuotaReading[],
  sinceMs: number,
  room: (quota: Quota) => number,
): KnownQuota[] {
  return readings.flatMap(({ location, readAt, quotas }) =>
    readAt === undefined || Date.parse(readAt) < sinceMs
      ? []
      : quotas.map((quota) => ({ quota, location, readAt, room: room(quota) })),
  );
}

type Shortfall = Pick<RequestError, 'pointer' | 'message'>;
/** Tells whether a shortfall is one of the limits, or of what is left of them. */
type Of = 'limit' | 'left';

/** Returns at most one shortfall for each kind of quota, and one for each node group that does not fit alone. */
function shortfalls(groups: readonly NeedyGroup[], quotas: readonly KnownQuota[], of: Of): Shortfall[] {
  const kinds = [...Map.groupBy(quotas, ({ quota }) => kindOf(quota)).values()];
  const together = kinds.flatMap((kind) => shortTogether(groups, kind, of));
  const found = new Set(together.map(({ pointer }) => pointer));
  const byLocation = Map.groupBy(quotas, ({ location }) => location);
  const alone = groups
    .filter(({ group }) => !found.has(`${group.pointer}/size`))
    .flatMap((one) => shortAlone(one, byLocation, of));
  return [...together, ...alone];
}

/** Checks all node groups of a connection together against one kind of quota. */
function shortTogether(groups: readonly NeedyGroup[], kind: readonly KnownQuota[], of: Of): Shortfall[] {
  const [first] = kind;
  if (!first) return [];
  const needy = groups
    .map(({ group, need }) => ({ group, each: leastNeed(first.quota, need) }))
    .filter(({ each }) => each > 0);
  const demands = needy.map(
    ({ group, each }): Demand => ({ places: group.locations, amount: each * group.size }),
  );
  const room = new Map(kind.map((known) => [known.location, known.room]));
  const overflow = findOverflow(demands, (location) => room.get(location) ?? Number.POSITIVE_INFINITY);
  const group = overflow && needy[overflow.at]?.group;
  if (!group) return [];
  const { unit } = first.quota;
  const asked = overflow.demands.reduce((sum, at) => sum + (demands[at]?.amount ?? 0), 0);
  const usedUp = kind.filter(({ location }) => overflow.places.includes(location));
  const sum = usedUp.reduce((total, known) => total + known.room, 0);
  const has = `${verbOf(of, usedUp)} ${amountOf(sum, unit)}${usedUp.length > 1 ? ' together' : ''}`;
  const message = `${namesOf(usedUp)} of connection ${group.connection.name} ${has}; the fleet needs ${amountOf(asked, unit)} there. ${howToRaise(usedUp, group.connection)}`;
  return [{ pointer: `${group.pointer}/size`, message }];
}

/** Checks a node group alone against all quotas: whole instances, in each of its types and markets. */
function shortAlone(
  { group, need }: NeedyGroup,
  byLocation: ReadonlyMap<string, readonly KnownQuota[]>,
  of: Of,
): Shortfall[] {
  const { pointer, connection, size, locations } = group;
  const here = locations.map((location) => ({ location, known: byLocation.get(location) ?? [] }));
  const most = here.reduce((sum, { location, known }) => {
    if (sum >= size) return sum;
    const rooms = new Map(known.map(({ quota, room }) => [quota, room]));
    return sum + mostInstances(rooms, need, location);
  }, 0);
  if (size <= most) return [];
  const usedUp = here
    .flatMap(({ known }) => known)
    .filter(({ quota, location }) => mayNeed(quota, need, location));
  const message = `${namesOf(usedUp)} of connection ${connection.name} ${verbOf(of, usedUp)} ${most} instances of this node group; it has ${size}. ${howToRaise(usedUp, connection)}`;
  return [{ pointer: `${pointer}/size`, message }];
}

function verbOf(of: Of, { length }: readonly KnownQuota[]): string {
  const isOne = length === 1;
  if (of === 'limit') return isOne ? 'allows' : 'allow';
  return isOne ? 'has room for' : 'have room for';
}

const UNITS: Readonly<Partial<Record<QuotaUnit, string>>> = {
  instances: 'instances',
  vcpus: 'vCPUs',
  memoryGb: 'GB of memory',
  networkInterfaces: 'network interfaces',
  volumes: 'volumes',
  volumeGb: 'GB of disks',
};
const amountOf = (amount: number, unit: QuotaUnit): string =>
  `${Number(amount.toFixed(3))} ${UNITS[unit] ?? unit}`;

/** Names quotas with their codes, locations and limits. */
function namesOf(quotas: readonly KnownQuota[]): string {
  const named = quotas.slice(0, MOST_NAMED).map(({ quota, location }) => {
    const { name, code, limit, used, unit } = quota;
    const figures = `limit ${amountOf(limit, unit)}${used === undefined ? '' : `, ${Number(used.toFixed(3))} used`}`;
    return `"${name}" in ${location} (${code === undefined ? '' : `${code}, `}${figures})`;
  });
  const others = quotas.length - named.length;
  return `the ${quotas.length === 1 ? 'quota' : 'quotas'} ${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}

function howToRaise(quotas: readonly KnownQuota[], { name, cloud }: Connection): string {
  const oldest = quotas.map(({ readAt }) => readAt).toSorted()[0] ?? '';
  const isFixed = quotas.every(({ quota }) => quota.isAdjustable === false);
  const { text, url } = REQUEST_QUOTA[cloud] ?? REQUEST_MORE[cloud];
  const raise = isFixed ? 'The provider does not raise this.' : `${text} See ${url}.`;
  return `${raise} Read at ${oldest}; \`fleetwright connection sync-inventory ${name}\` reads the quotas again`;
}
