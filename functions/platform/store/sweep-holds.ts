import { z } from 'zod';
import { holdReasonSchema } from '../../model/orphan.ts';
import { holdKey, holdPartition } from './keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';
import { readKnownIn, updateVersionedIn } from './versioned.ts';

/** In place of a location: holds of a connection that are about all of its locations. */
export const EVERYWHERE = '*';

const holdSchema = z.object({
  because: holdReasonSchema,
  sinceMs: z.number(),
  message: z.string(),
  /** Machines that wait for their removal. */
  waiting: z.number().optional(),
  /** With `restored`: which restore of the tables it is about. */
  restores: z.number().optional(),
  /** It was written to the audit log and published. */
  isTold: z.boolean().optional(),
});
export type HoldState = z.infer<typeof holdSchema>;

const removalSchema = z.object({ backendId: z.string(), atMs: z.number() });

/** What sweeps may remove at one site of a connection, or, at `EVERYWHERE`, on the connection. */
const holdItemSchema = z.object({
  connectionKey: z.string(),
  location: z.string(),
  /** Machines that count, by the time of their admission; older than a day: dropped by the next write. */
  removals: z.array(removalSchema),
  hold: holdSchema.optional(),
  /** When an operator continued the sweeps last. */
  continuedAtMs: z.number().optional(),
  /** The latest restore of the tables that an operator continued the sweeps after. */
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
 * Reads what is held at a site, lets `decide` work out what holds from now on, and writes that only if no other worker
 * wrote in between; else begins again.
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

/** Reads strongly what is held at a site. Undefined: nothing, and nothing was removed. */
export async function readHold(store: Store<'fleets'>, ref: HoldRef): Promise<HoldItem | undefined> {
  const table = { ...store, tableName: store.tables.fleets };
  return (await readKnownIn(table, holdKey(ref.connectionKey, ref.location), holdItemSchema)).state;
}

/** Every site of a connection that sweeps removed machines at, or that they wait at. */
export async function readHolds(store: Store<'fleets'>, connectionKey: string): Promise<HoldItem[]> {
  const keys = { pk: holdPartition(connectionKey), prefix: '' };
  return await queryAll(store, store.tables.fleets, keys, (item) => holdItemSchema.parse(item));
}
