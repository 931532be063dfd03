import { z } from 'zod';
import { holdReasonSchema } from '../../model/orphan.ts';
import { holdKey, holdPartition } from './keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';
import { readKnownIn, updateVersionedIn } from './versioned.ts';

/** The location of a hold that covers all of a connection's locations. */
export const EVERYWHERE = '*';

const holdSchema = z.object({
  because: holdReasonSchema,
  sinceMs: z.number(),
  message: z.string(),
  /** Number of machines that wait for their removal. */
  waiting: z.number().optional(),
  /** With `restored`: number of the restore of the tables that caused the hold. */
  restores: z.number().optional(),
  /** True if the hold was written to the audit log and published. */
  isTold: z.boolean().optional(),
});
export type HoldState = z.infer<typeof holdSchema>;

const removalSchema = z.object({ backendId: z.string(), atMs: z.number() });

/**
 * The item that records what sweeps have removed, and whether sweeps wait for an operator. It covers one site or, with
 * `EVERYWHERE`, a whole connection.
 */
const holdItemSchema = z.object({
  connectionKey: z.string(),
  location: z.string(),
  /**
   * Machines whose removal counts toward the daily limit, with the time at which it was allowed. The next write drops
   * entries that are older than a day.
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
 * in the meantime, it repeats this from the read.
 *
 * @param decide pure; may run several times. `state: undefined` writes nothing
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

/** Reads a site's item strongly. @returns undefined if sweeps have removed nothing there and do not wait */
export async function readHold(store: Store<'fleets'>, ref: HoldRef): Promise<HoldItem | undefined> {
  const table = { ...store, tableName: store.tables.fleets };
  return (await readKnownIn(table, holdKey(ref.connectionKey, ref.location), holdItemSchema)).state;
}

/** Lists the items of all sites of a connection where sweeps removed machines, or wait for an operator. */
export async function readHolds(store: Store<'fleets'>, connectionKey: string): Promise<HoldItem[]> {
  const keys = { pk: holdPartition(connectionKey), prefix: '' };
  return await queryAll(store, store.tables.fleets, keys, (item) => holdItemSchema.parse(item));
}
