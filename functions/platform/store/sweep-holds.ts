import * as z from 'zod';
import { holdReasonSchema } from '../../model/orphan.ts';
import { holdKey, holdPartition } from './keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';
import { readKnownIn, updateVersionedIn } from './versioned.ts';

/** Value of `location` for a hold that covers all locations of a connection. */
export const EVERYWHERE = '*';

const holdSchema = z.object({
  because: holdReasonSchema,
  sinceMs: z.number(),
  message: z.string(),
  /** Number of machines that sweeps want to remove and do not remove because of the hold. */
  waiting: z.number().optional(),
  /** With `restored`: number of the restore of the tables that caused the hold. */
  restores: z.number().optional(),
  /** True if the hold was written to the audit log and published as an event. */
  isTold: z.boolean().optional(),
});
export type HoldState = z.infer<typeof holdSchema>;

const removalSchema = z.object({ backendId: z.string(), atMs: z.number() });

/**
 * Item that records what sweeps have removed, and whether sweeps wait for an operator (a hold). It covers one site or,
 * with `EVERYWHERE`, a whole connection.
 */
const holdItemSchema = z.object({
  connectionKey: z.string(),
  location: z.string(),
  /**
   * Machines whose removal counts toward the daily limit, each with the time at which the removal was allowed. Each
   * write drops entries that are older than a day.
   */
  removals: z.array(removalSchema),
  hold: holdSchema.optional(),
  /** Time at which an operator last continued the sweeps. */
  continuedAtMs: z.number().optional(),
  /** Number of the latest restore of the tables after which an operator continued the sweeps. */
  restoresContinued: z.number().optional(),
});
export type HoldItem = z.infer<typeof holdItemSchema>;

export interface HoldRef {
  connectionKey: string;
  location: string;
}

export const emptyHold = ({ connectionKey, location }: HoldRef): HoldItem => ({
  connectionKey,
  location,
  removals: [],
});

/**
 * Reads a site's item, calls `decide` for the next state, and writes that state. If another worker has written the item
 * after the read, the function begins again with the read.
 *
 * @param decide must be pure, because it may run several times. If it returns no state, nothing is written
 */
export async function updateHold<Answer>(
  store: Store<'fleets'>,
  ref: HoldRef,
  decide: (current: HoldItem) => { state: HoldItem | undefined; answer: Answer },
): Promise<Answer> {
  return await updateVersionedIn(
    { ...store, tableName: store.tables.fleets },
    holdKey(ref.connectionKey, ref.location),
    holdItemSchema,
    (current = emptyHold(ref)) => decide(current),
  );
}

/**
 * Reads a site's item with a strongly consistent read. @returns undefined if there is none: sweeps have never removed
 * anything there or waited for an operator
 */
export async function readHold(store: Store<'fleets'>, ref: HoldRef): Promise<HoldItem | undefined> {
  const table = { ...store, tableName: store.tables.fleets };
  return (await readKnownIn(table, holdKey(ref.connectionKey, ref.location), holdItemSchema)).state;
}

/**
 * Lists the items of a connection: one for each site where sweeps have removed machines or waited for an operator, and
 * one for the whole connection if there is one.
 */
export async function readHolds(store: Store<'fleets'>, connectionKey: string): Promise<HoldItem[]> {
  const keys = { pk: holdPartition(connectionKey), prefix: '' };
  return await queryAll(store, store.tables.fleets, keys, (item) => holdItemSchema.parse(item));
}
