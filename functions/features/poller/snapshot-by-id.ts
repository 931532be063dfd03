import pLimit from 'p-limit';
import type { CloudClient, CloudInstance } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import { readHolders } from '../../platform/governor/hold-location.ts';
import { readSiteEntries, type SiteEntry } from '../../platform/store/instances.ts';
import type { Loop } from '../../platform/store/loops.ts';
import {
  type OpenConnection,
  type SiteRef,
  timeLeftMs,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { readingOrder } from './reading-order.ts';
import type { Snapshot } from './snapshot.ts';

const CONCURRENT_CALLS = 20;
/**
 * Part of the poll's remaining time in which calls may begin. The rest is for their answers and for the
 * reconcile.
 */
const SHARE_OF_TIME = 0.25;
const LONGEST_MS = 2_500;
/** If this many calls have failed and the cloud has answered none, the poll makes no further calls. */
const SILENT_AFTER = 10;
/**
 * Time in ms after a read without an answer, or after a request for removal. Until then, the polls read other machines
 * in transition first.
 */
const DEFERRED_MS = 120_000;
/** Maximum number of deferred reads that the poll loop's item remembers. */
const MOST_DEFERRED = 200;

/**
 * Takes a snapshot of a site whose list call fails, with one call per machine. Reads machines in `readingOrder`, as far
 * as the governor permits. A machine in Terminating without a backend id is looked up by its launch token.
 *
 * Some clouds show only in a list that a machine is gone. Reads of such machines have no answer as long as the list call
 * fails. They come after the reads of other machines in transition, like those of machines whose removal was requested.
 *
 * @param loop state of the poll loop; this function sets `loop.askedUpTo` and `loop.askedUpToAtRest` to the last
 *   machine in transition and at rest that a request was permitted for, and `loop.deferredReads`
 * @returns `late` if no answer has come in time, or no permit; undefined if there is nothing to read, or if the calls
 *   fail
 */
export async function snapshotById(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  loop: Loop,
): Promise<Snapshot | 'late' | undefined> {
  const { store } = context;
  const [entries, startsMs] = await Promise.all([
    readSiteEntries(store, site.connectionKey, site.location),
    readHolders(store, site),
  ]);
  const seenAtMs = store.clock.now();
  const deferredReads = recentOf(loop.deferredReads ?? {}, seenAtMs);
  loop.deferredReads = deferredReads;
  const leadMs = context.driver.statusPollSeconds * 1_000;
  const wanted = readingOrder(entries, loop, { startsMs, leadMs, nowMs: seenAtMs });
  if (wanted.length === 0) return undefined;
  const untilMs = seenAtMs + Math.min(LONGEST_MS, timeLeftMs(context) * SHARE_OF_TIME);
  const limit = pLimit(CONCURRENT_CALLS);
  const asked = new Set<string>();
  const unanswered = new Set<string>();
  const seen: CloudInstance[] = [];
  let failures = 0;
  let isPermitted = true;
  const all = Promise.all(
    wanted.map(({ entry, cursor }) =>
      limit(async () => {
        if ((failures >= SILENT_AFTER && asked.size === 0) || store.clock.now() > untilMs) return;
        if (!isPermitted) return;
        const onPermit = () => {
          unanswered.add(entry.siteSk);
          if (cursor) loop[cursor] = entry.siteSk;
        };
        try {
          const waitMs = untilMs - store.clock.now();
          const machine = await find(site, opened.onTerms({ waitMs, furtherMs: waitMs, onPermit }), entry);
          if (machine) seen.push(machine);
          asked.add(entry.siteSk);
          unanswered.delete(entry.siteSk);
          delete loop.deferredReads?.[entry.siteSk];
        } catch (error) {
          if (!(error instanceof DriverError)) throw error;
          if (error.code === 'NoPermit') isPermitted = false;
          else {
            context.log.warn('a machine could not be read', { instanceId: entry.siteSk, code: error.code });
            failures += 1;
          }
        }
      }),
    ),
  );
  // Do not wait for answers after `untilMs`. The next poll reads the machines without an answer.
  const late = store.clock.sleep(Math.ceil(untilMs - store.clock.now()));
  await Promise.race([all, late]);
  deferReads(loop, [...unanswered], seenAtMs);
  all.catch((error: unknown) => context.log.warn('machines could not be read', { error }));
  if (asked.size === 0) return failures === 0 ? 'late' : undefined;
  return { entries, seen: [...seen], seenAtMs, isFull: false, asked: new Set(asked), isListless: true };
}

/** Lets later polls read these machines after others in transition. Changes `loop`. */
export function deferReads(loop: Loop, ids: readonly string[], nowMs: number): void {
  loop.deferredReads = { ...loop.deferredReads };
  for (const id of ids) loop.deferredReads[id] = nowMs;
}

/** Returns the latest deferred reads, and leaves out those that are no longer deferred. */
function recentOf(deferredReads: Readonly<Record<string, number>>, nowMs: number): Record<string, number> {
  const recent = Object.entries(deferredReads)
    .filter(([, atMs]) => atMs + DEFERRED_MS > nowMs)
    .toSorted(([, one], [, other]) => other - one);
  return Object.fromEntries(recent.slice(0, MOST_DEFERRED));
}

/** Reads one machine. @returns undefined if the cloud has no such machine */
async function find(
  { location }: SiteRef,
  client: CloudClient,
  { backendId, launchToken }: SiteEntry,
): Promise<CloudInstance | undefined> {
  if (backendId === undefined) return await client.findInstanceByToken(location, launchToken);
  try {
    return await client.getInstance(location, backendId);
  } catch (error) {
    if (error instanceof DriverError && error.code === 'NotFound') return undefined;
    throw error;
  }
}
