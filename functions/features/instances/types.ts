import type { Failure } from '../../model/failure.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { SPOT_INTERRUPTED } from '../../model/lost-machine.ts';
import type { Market } from '../../model/market.ts';
import type { QuotaSubject } from '../../model/quota-subject.ts';
import { choiceFor, marketsOf, nextChoice } from '../../platform/placement/choose-type.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { NextAttempt } from '../../platform/store/move.ts';
import { seatFor } from './on-demand-seats.ts';

/** True for each quota that another instance type may have room in. */
const IS_OF_THE_TYPE: Readonly<Record<QuotaSubject, boolean>> = {
  family: true,
  vcpus: true,
  memoryGb: true,
  spot: false,
  instances: false,
  addresses: false,
  networks: false,
  volumes: false,
  account: false,
};

/** The fields of a record that tell which attempt may follow at its location. */
type Tried = Pick<InstanceItem, 'location' | 'instanceType' | 'market' | 'triedTypes' | 'exceededQuota'>;

/**
 * Returns the next attempt of an instance whose attempt failed for a reason of its instance type or its market: another
 * attempt at the location, in any zone, with the next type of the node group in the same market. If no type is left, or
 * the failure concerns the whole market, the attempt is in the next market. Pure.
 *
 * @param skipped markets in which the instance may not be launched
 * @returns undefined if the failure concerns neither the type nor the market, or nothing is left
 */
export function nextTypeStep(
  group: NodeGroup,
  record: Tried,
  failure: Failure,
  skipped: readonly Market[] = [],
): NextAttempt | undefined {
  const { location, triedTypes = [], exceededQuota } = record;
  const told = { quotaOf: exceededQuota?.of, ...failure };
  const isOfMarket = concernsMarket(told);
  if (!isOfMarket && !concernsType(told)) return undefined;
  const { type, market } = choiceFor(group, location, record);
  const tried = [...triedTypes, type.name];
  const next = nextChoice(group, location, market, isOfMarket ? 'all' : tried, skipped);
  if (!next) return undefined;
  const isSameMarket = next.market === market;
  return {
    // What the cloud said about smaller calls and about a quota concerns the earlier type.
    triedZones: [],
    callLimit: undefined,
    quotaTries: undefined,
    instanceType: next.type.name,
    market: next.market,
    triedTypes: isSameMarket ? tried : [],
    onDemandSeats: seatFor(group, next.market),
  };
}

/** Returns true if an attempt with another instance type at the same location may succeed after this failure. Pure. */
export function concernsType({ code, scope, quotaOf = 'family' }: Failure): boolean {
  if (code === 'QuotaExceeded') return IS_OF_THE_TYPE[quotaOf];
  // A policy may deny one type only. The governor remembers denials by type.
  if (code === 'Forbidden') return scope !== 'launch';
  return code === 'InsufficientCapacity' || code === 'Unsupported' || code === SPOT_INTERRUPTED;
}

/** Returns true if no other instance type in the same market would help after this failure. Pure. */
export function concernsMarket({ code, scope, quotaOf }: Failure): boolean {
  return scope === 'market' || (code === 'QuotaExceeded' && quotaOf === 'spot');
}

/** Returns true if the instance has left the market or the type with which each location begins. Pure. */
export function hasMovedOn(group: NodeGroup, { triedTypes = [], market }: Tried): boolean {
  return triedTypes.length > 0 || (market !== undefined && market !== marketsOf(group)[0]);
}
