import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import { type InstanceRef, parseInstanceId } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { readHolders } from '../../platform/governor/hold-location.ts';
import { MOST_HELD } from '../../platform/governor/slots.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import { within } from '../../platform/runtime/within.ts';
import { readInstances, readSiteEntries, type SiteEntry } from '../../platform/store/instances.ts';
import type { Loop } from '../../platform/store/loops.ts';
import {
  governed,
  type OpenConnection,
  type SiteRef,
  timeLeftMs,
  type WorkerContext,
} from '../../platform/worker/context.ts';

/**
 * What a poll compares at a site: the entries in the index of instance records, and the machines that the
 * cloud shows.
 */
export interface Snapshot {
  /** The index entries of the site's instances. */
  entries: readonly SiteEntry[];
  /** Machines that the cloud shows. */
  seen: readonly CloudInstance[];
  seenAtMs: number;
  /**
   * True if the snapshot covers the whole site. False if it covers slot holders only, or if the poll read
   * machines one by one (`isListless`).
   */
  isFull: boolean;
  /** Instance ids of the entries that the cloud was asked about. Absent: all entries. */
  asked?: ReadonlySet<string>;
  /** True if machines were read one by one because the list call failed. */
  isListless?: true;
}

/**
 * Maximum time of a list call, in ms. If half of the invocation's remaining time is shorter, that half is the
 * maximum. After this maximum, the list call counts as failed with `Unavailable`.
 */
const LONGEST_LIST_MS = 30_000;
/** Interval of full snapshots, in ms. Slot-only snapshots do not postpone the next full one. */
const FULL_SNAPSHOT_MS = 5_000;
/** Number of index entries that cost as much to read as one record by its key. */
const ENTRIES_PER_RECORD = 20;

/**
 * Takes a snapshot of a site with one list call. At a large site with `fastPolling` (launches wait for slots),
 * most snapshots cover slot holders only. The cost of a snapshot of slot holders does not grow with the site.
 *
 * @throws DriverError if the list call fails
 */
export async function takeSnapshot(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  loop: Loop,
): Promise<Snapshot> {
  // Uses the absolute difference, because the clock of the previous poll's worker may be ahead.
  const isFullDue = Math.abs(context.store.clock.now() - (loop.fullAtMs ?? 0)) >= FULL_SNAPSHOT_MS;
  const mostHeld = governed(site, opened).limits.concurrentInstancesPerLocation ?? MOST_HELD;
  const isLarge = (loop.entries ?? 0) > ENTRIES_PER_RECORD * mostHeld;
  const slots =
    loop.fastPolling && isLarge && !isFullDue ? await snapshotSlots(context, site, opened) : undefined;
  return slots ?? (await snapshotSite(context, site, opened));
}

async function snapshotSite(
  context: WorkerContext,
  { connectionKey, location }: SiteRef,
  { client }: OpenConnection,
): Promise<Snapshot> {
  const { store } = context;
  const seenAtMs = store.clock.now();
  const limitMs = timeLeftMs(context) / 2;
  const seen = await within(
    store.clock,
    Math.min(LONGEST_LIST_MS, limitMs),
    client.listInstances(location),
    () => new DriverError('Unavailable', 'the list call took longer than a poll may last'),
  );
  const entries = await readSiteEntries(store, connectionKey, location);
  return { entries, seen, seenAtMs, isFull: true };
}

/**
 * Returns true if a list shows none of the expected machines, which may be an error of the cloud. The cloud is
 * expected to show the machine of an entry that has a backend id or the status Terminating. Pure.
 */
export function isDoubtful({ entries, seen, asked, isListless }: Snapshot): boolean {
  if (isListless) return false;
  const expected = entries.filter(
    ({ siteSk, backendId, status }) =>
      (asked?.has(siteSk) ?? true) && (backendId !== undefined || status === 'Terminating'),
  );
  const backendIds = new Set(seen.map(({ backendId }) => backendId));
  const instanceIds = new Set(seen.map(({ instanceId }) => instanceId));
  const isShown = ({ siteSk, backendId }: SiteEntry) =>
    backendId === undefined ? instanceIds.has(siteSk) : backendIds.has(backendId);
  return expected.length > 0 && !expected.some(isShown);
}

/**
 * Lists the machines of slot holders by id.
 *
 * @returns undefined if the cloud cannot list by id, if no holder has a backend id, or if there are too many
 *   ids for one call
 */
async function snapshotSlots(
  { store }: WorkerContext,
  site: SiteRef,
  { client }: OpenConnection,
): Promise<Snapshot | undefined> {
  if (!has(client, 'list-by-id')) return undefined;
  const refs = Object.keys(await readHolders(store, site))
    .map(parseInstanceId)
    .filter((ref): ref is InstanceRef => ref !== undefined);
  const records = [...(await readInstances(store, refs, { isConsistent: false })).values()];
  const entries = records
    .filter((record) => sameSite(record, site) && !isClosed(record.status))
    .map(({ instanceId, status, backendId, launchToken }) => ({
      siteSk: instanceId,
      status,
      launchToken,
      ...(backendId === undefined ? {} : { backendId }),
    }));
  const backendIds = entries.flatMap(({ backendId }) => (backendId === undefined ? [] : [backendId]));
  if (backendIds.length === 0 || backendIds.length > client.maxListedById) return undefined;
  const seenAtMs = store.clock.now();
  const seen = await client.listInstancesById(site.location, backendIds);
  const asked = new Set(
    entries.flatMap(({ backendId, siteSk }) => (backendId === undefined ? [] : [siteSk])),
  );
  return { entries, seen, seenAtMs, isFull: false, asked };
}
