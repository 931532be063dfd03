import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { isClosed } from '../../model/status.ts';
import type { Step } from './counters.ts';
import type { InstanceItem } from './instances.ts';
import { onDemandKey } from './keys.ts';
import type { Store } from './store.ts';
import type { TransactItem } from './transact.ts';

/**
 * Change of the on-demand seats that the instances of one node group have taken. A node group with
 * `maxOnDemandPercent` has that many seats. A record takes one in the transaction that chooses the market on-demand, and
 * gives it back in the transaction that closes the record or chooses another market. No machine of the group is
 * therefore on demand without a seat.
 */
export interface SeatChange {
  fleetId: string;
  nodeGroup: string;
  /** Number of seats of the node group. */
  seats: number;
  /** Seats that are taken (above 0) or given back. */
  by: number;
}

type Seated = Pick<InstanceItem, 'status' | 'onDemandSeats'>;

/** Returns true if the instance has one of its node group's on-demand seats. */
const hasSeat = ({ status, onDemandSeats }: Seated): boolean =>
  onDemandSeats !== undefined && !isClosed(status);

/** Returns the number of seats that a step takes (1), gives back (-1) or leaves as they are (0). */
export function seatsTakenBy({ before, after }: Step): -1 | 0 | 1 {
  const is = hasSeat(after);
  if (is === (before !== undefined && hasSeat(before))) return 0;
  return is ? 1 : -1;
}

/** Adds up the changes of steps of one fleet, by node group. Node groups without a change are left out. Pure. */
export function seatChanges(steps: readonly Step[]): SeatChange[] {
  const byGroup = Map.groupBy(steps, ({ after }) => after.nodeGroup);
  return [...byGroup].flatMap(([nodeGroup, ofGroup]) => {
    const by = ofGroup.reduce((sum, step) => sum + seatsTakenBy(step), 0);
    const records = ofGroup.flatMap(({ before, after }) => [after, ...(before ? [before] : [])]);
    const seats = records.find(({ onDemandSeats }) => onDemandSeats !== undefined)?.onDemandSeats;
    const fleetId = ofGroup[0]?.after.fleetId;
    return by === 0 || seats === undefined || fleetId === undefined
      ? []
      : [{ fleetId, nodeGroup, seats, by }];
  });
}

/**
 * Returns the write of a change. Its condition fails if fewer seats are free than it takes.
 */
export function seatWrite(
  store: Store<'fleets'>,
  { fleetId, nodeGroup, seats, by }: SeatChange,
): TransactItem {
  const most = seats - by;
  return {
    Update: {
      TableName: store.tables.fleets,
      Key: onDemandKey(fleetId, nodeGroup),
      UpdateExpression: 'SET taken = if_not_exists(taken, :zero) + :by',
      ExpressionAttributeValues: { ':zero': 0, ':by': by, ...(by > 0 ? { ':most': most } : {}) },
      ...(by > 0
        ? {
            // A comparison with a number fails for an absent attribute. Nothing is taken then.
            ConditionExpression:
              most < 0 ? 'taken <= :most' : 'attribute_not_exists(taken) OR taken <= :most',
          }
        : {}),
    },
  };
}

const itemSchema = z.object({ taken: z.number() });

/**
 * Reads how many of a node group's on-demand seats are taken. The answer may be out of date: only the condition of
 * `seatWrite` decides.
 */
export async function readSeatsTaken(
  store: Store<'fleets'>,
  fleetId: string,
  nodeGroup: string,
): Promise<number> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.fleets, Key: onDemandKey(fleetId, nodeGroup) }),
  );
  return itemSchema.safeParse(Item).data?.taken ?? 0;
}
