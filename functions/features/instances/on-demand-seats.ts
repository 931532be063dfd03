import type { Failure } from '../../model/failure.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { type Market, onDemandLimit } from '../../model/market.ts';
import { marketsOf } from '../../platform/placement/choose-type.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { readSeatsTaken } from '../../platform/store/on-demand-seats.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';

/**
 * Returns the number of on-demand seats of the node group, if an instance in this market needs one of them. Pure.
 *
 * @returns undefined if the market is another one, or nothing limits the group's on-demand instances
 */
export function seatFor(
  group: Pick<NodeGroup, 'size' | 'markets' | 'maxOnDemandPercent'>,
  market: Market,
): number | undefined {
  return market === 'on-demand' ? onDemandLimit(group) : undefined;
}

/**
 * Returns false if an instance that leaves this market would find no on-demand seat now. Such a launch waits for the
 * cloud's answer instead of leaving the market without a call. Only the transaction that takes the seat decides.
 */
export async function mayTakeSeat(
  { store }: WorkerContext,
  fleetId: string,
  group: NodeGroup,
  market: Market,
): Promise<boolean> {
  const seats = onDemandLimit(group);
  const order = marketsOf(group);
  if (seats === undefined || order.indexOf(market) >= order.indexOf('on-demand')) return true;
  return (await readSeatsTaken(store, fleetId, group.name)) < seats;
}

/** Returns the failure of an instance that found no spot machine, and may not be on demand. */
export async function seatsAreTaken(
  context: WorkerContext,
  { fleetId, index }: InstanceItem,
  { message }: Failure,
): Promise<Failure> {
  const group = groupAt((await context.layout(fleetId)).placements, index)?.group;
  const seats = group && onDemandLimit(group);
  const limit = `${group?.maxOnDemandPercent} percent of the node group, which is ${seats}, may be on demand`;
  return { code: 'InsufficientCapacity', message: `${message} (${limit})` };
}
