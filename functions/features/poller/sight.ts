import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import { type InstanceRef, parseInstanceId } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { readHolders } from '../../platform/governor/hold-location.ts';
import { samePlace } from '../../platform/placement/lay-out.ts';
import { within } from '../../platform/runtime/within.ts';
import { type PlaceEntry, readInstances, readPlaceEntries } from '../../platform/store/instances.ts';
import type { Loop } from '../../platform/store/loops.ts';
import {
  type OpenConnection,
  type PlaceRef,
  timeLeftMs,
  type WorkerContext,
} from '../../platform/worker/context.ts';

/** What a look compares. */
export interface Sight {
  /** What the records say. */
  entries: readonly PlaceEntry[];
  /** What the cloud shows of them. */
  seen: readonly CloudInstance[];
  seenAtMs: number;
  /** Whether it is all that is at the place; else it is what holds the slots there, or what was asked for by id. */
  isWhole: boolean;
  /** Ids of the entries that the cloud was asked about; absent: about all of them. */
  asked?: ReadonlySet<string>;
  /** Whether each was asked for by itself, since the list did not come. */
  isListless?: true;
}

/** Drivers end their calls within this. */
const LONGEST_LIST_MS = 30_000;
/** However many look at the slots, everything is looked at so often. */
const WHOLE_SIGHT_MS = 5_000;
/** A record that is read by its key costs what so many entries of the index do. */
const ENTRIES_PER_RECORD = 20;

/**
 * Looks at a place with one list call. Where launches wait for slots, and other instances are many times as many as
 * those, most looks are at the slots only: what they cost does not grow with the place.
 *
 * @throws DriverError as the list call does
 */
export async function sightOf(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  loop: Loop,
): Promise<Sight> {
  // Whoever looked last may have another clock.
  const isWholeDue = Math.abs(context.store.clock.now() - (loop.wholeAtMs ?? 0)) >= WHOLE_SIGHT_MS;
  const isLarge = (loop.entries ?? 0) > ENTRIES_PER_RECORD * opened.limits.concurrentInstancesPerLocation;
  const slots = loop.hurry && isLarge && !isWholeDue ? await seeSlots(context, place, opened) : undefined;
  return slots ?? (await seePlace(context, place, opened));
}

async function seePlace(
  context: WorkerContext,
  { connectionKey, location }: PlaceRef,
  { client }: OpenConnection,
): Promise<Sight> {
  const { store } = context;
  const seenAtMs = store.clock.now();
  const limitMs = timeLeftMs(context) / 2;
  const seen = await within(
    store.clock,
    Math.min(LONGEST_LIST_MS, limitMs),
    client.listInstances(location),
    () => new DriverError('Unavailable', 'the list of machines takes longer than a look may'),
  );
  const entries = await readPlaceEntries(store, connectionKey, location);
  return { entries, seen, seenAtMs, isWhole: true };
}

/**
 * Tells whether a list shows none of the machines that may be expected: those that records are bound to, and those that
 * are to be removed and whose ids were never told. It may be right, or be the one that a cloud answers empty by mistake.
 * What else records say does not matter, since their index may be behind. Pure.
 */
export function isDoubtful({ entries, seen, asked, isListless }: Sight): boolean {
  if (isListless) return false;
  const expected = entries.filter(
    ({ placeSk, backendId, status }) =>
      (asked?.has(placeSk) ?? true) && (backendId !== undefined || status === 'Terminating'),
  );
  const backendIds = new Set(seen.map(({ backendId }) => backendId));
  const instanceIds = new Set(seen.map(({ instanceId }) => instanceId));
  const isShown = ({ placeSk, backendId }: PlaceEntry) =>
    backendId === undefined ? instanceIds.has(placeSk) : backendIds.has(backendId);
  return expected.length > 0 && !expected.some(isShown);
}

/** @returns undefined where the cloud does not list so few, or so many, by id */
async function seeSlots(
  { store }: WorkerContext,
  place: PlaceRef,
  { client }: OpenConnection,
): Promise<Sight | undefined> {
  if (!has(client, 'list-by-id')) return undefined;
  const refs = Object.keys(await readHolders(store, place))
    .map(parseInstanceId)
    .filter((ref): ref is InstanceRef => ref !== undefined);
  const records = [...(await readInstances(store, refs, { isConsistent: false })).values()];
  const entries = records
    .filter((record) => samePlace(record, place) && !isClosed(record.status))
    .map(({ instanceId, status, backendId, launchToken }) => ({
      placeSk: instanceId,
      status,
      launchToken,
      ...(backendId === undefined ? {} : { backendId }),
    }));
  const backendIds = entries.flatMap(({ backendId }) => (backendId === undefined ? [] : [backendId]));
  if (backendIds.length === 0 || backendIds.length > client.maxListedById) return undefined;
  const seenAtMs = store.clock.now();
  const seen = await client.listInstancesById(place.location, backendIds);
  const asked = new Set(
    entries.flatMap(({ backendId, placeSk }) => (backendId === undefined ? [] : [placeSk])),
  );
  return { entries, seen, seenAtMs, isWhole: false, asked };
}
