import * as z from 'zod';
import type { KeyCaps } from '../../model/caller.ts';
import type { Key } from './keys.ts';
import type { Store } from './store.ts';
import { type TransactItem, transactWrite } from './transact.ts';

/** What a fleet counts for the caps of the keys that made it. It is given back when the fleet is closed. */
export const capChargeSchema = z.object({
  /** The capped keys: the key that made the fleet, and its ancestors. */
  keyIds: z.array(z.string()).min(1),
  /** The most that the fleet may cost, in millionths of a US dollar per hour. */
  microUsdPerHour: z.int().nonnegative(),
});
export type CapCharge = z.infer<typeof capChargeSchema>;

/** A cap that a request would exceed. */
export interface CapReached {
  keyId: string;
  cap: 'maxTotalUsdPerHour' | 'maxRemovalsPerDay';
  limit: number;
}

const DAY_MS = 24 * 3_600_000;
/** Records of a day are kept for longer than the day, so that clocks that differ do no harm. */
const KEPT_DAYS = 3;

const partition = (keyId: string): string => `CAP#${keyId}`;
const runningKey = (keyId: string): Key => ({ pk: partition(keyId), sk: 'RUNNING' });

/**
 * Returns the condition that a counter has room for `more`. `:room` is the limit without `more`. An absent counter is zero: it
 * has room if `more` alone is within the limit.
 */
const within = (counter: string, more: number, limit: number): string =>
  `${more <= limit ? `attribute_not_exists(${counter}) OR ` : ''}${counter} <= :room`;

/** Returns the caps that limit what runs, with their limits in millionths of a US dollar per hour. Pure. */
export function runningCaps(caps: readonly KeyCaps[]): { keyId: string; limit: number; micro: number }[] {
  return caps.flatMap(({ keyId, maxTotalUsdPerHour: limit }) =>
    limit === undefined ? [] : [{ keyId, limit, micro: Math.round(limit * 1e6) }],
  );
}

/** Returns what a fleet with this highest price counts for; undefined if no cap limits what runs. Pure. */
export function chargeOf(caps: readonly KeyCaps[], microUsdPerHour: number): CapCharge | undefined {
  const keyIds = runningCaps(caps).map(({ keyId }) => keyId);
  return keyIds.length === 0 ? undefined : { keyIds, microUsdPerHour };
}

/**
 * Returns the writes that count a fleet for the caps of keys, one for each of `runningCaps`, in this order. Each write has
 * the condition that its cap is not exceeded, so that two requests at once cannot both take the rest of a cap.
 */
export function chargeRunning(
  store: Store<'fleets'>,
  caps: readonly KeyCaps[],
  microUsdPerHour: number,
): TransactItem[] {
  return runningCaps(caps).map(({ keyId, micro }) => ({
    Update: {
      TableName: store.tables.fleets,
      Key: runningKey(keyId),
      UpdateExpression: 'ADD microUsdPerHour :more',
      ConditionExpression: within('microUsdPerHour', microUsdPerHour, micro),
      ExpressionAttributeValues: { ':more': microUsdPerHour, ':room': micro - microUsdPerHour },
    },
  }));
}

/** Returns the writes that give back what a fleet counts for. They belong into the transaction that closes the fleet. */
export function giveBackRunning(store: Store<'fleets'>, charge: CapCharge | undefined): TransactItem[] {
  if (charge === undefined) return [];
  return charge.keyIds.map((keyId) => ({
    Update: {
      TableName: store.tables.fleets,
      Key: runningKey(keyId),
      UpdateExpression: 'ADD microUsdPerHour :less',
      ExpressionAttributeValues: { ':less': -charge.microUsdPerHour },
    },
  }));
}

/**
 * Counts removals for the caps of keys, before anything is removed. Counts what is removed once a day for each key, however
 * often its removal is requested. All capped keys are counted in one transaction, under the condition that no cap is
 * exceeded. If the process ends before the removal begins, the removal stays counted.
 *
 * @param what id of the fleet or volume
 * @param count number of machines, or of disks
 * @returns the cap that would be exceeded, in which case nothing is counted
 */
export async function chargeRemovals(
  store: Store<'fleets'>,
  caps: readonly KeyCaps[],
  what: string,
  count: number,
): Promise<CapReached | undefined> {
  let left = caps.flatMap(({ keyId, maxRemovalsPerDay: limit }) =>
    limit === undefined ? [] : [{ keyId, limit, cap: 'maxRemovalsPerDay' as const }],
  );
  const nowMs = store.clock.now();
  while (left.length > 0) {
    const refusals = await transactWrite(
      store,
      left.flatMap(({ keyId, limit }) => removalWrites(store, { keyId, limit, what, count, nowMs })),
    );
    if (refusals.length === 0) return undefined;
    // The writes of a key are its marker, then its counter. A key whose marker exists has counted this removal today.
    const uncounted = left.filter((_, at) => !refusals.some((one) => one.at === 2 * at));
    if (uncounted.length === left.length)
      return left.find((_, at) => refusals.some((one) => one.at === 2 * at + 1));
    left = uncounted;
  }
  return undefined;
}

interface Removal {
  keyId: string;
  limit: number;
  what: string;
  count: number;
  nowMs: number;
}

function removalWrites(
  store: Store<'fleets'>,
  { keyId, limit, what, count, nowMs }: Removal,
): TransactItem[] {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const expiresAt = Math.floor((nowMs + KEPT_DAYS * DAY_MS) / 1_000);
  const TableName = store.tables.fleets;
  const counter = { pk: partition(keyId), sk: `REMOVALS#${day}` };
  return [
    {
      Put: {
        TableName,
        Item: { pk: partition(keyId), sk: `REMOVED#${day}#${what}`, expiresAt },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    },
    {
      Update: {
        TableName,
        Key: counter,
        UpdateExpression: 'ADD removals :count SET expiresAt = :expiresAt',
        ConditionExpression: within('removals', count, limit),
        ExpressionAttributeValues: { ':count': count, ':expiresAt': expiresAt, ':room': limit - count },
      },
    },
  ];
}
