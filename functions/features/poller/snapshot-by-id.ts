import pLimit from 'p-limit';
import type { CloudClient, CloudInstance } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import { isTransitional } from '../../model/status.ts';
import { readSiteEntries, type SiteEntry } from '../../platform/store/instances.ts';
import type { Loop } from '../../platform/store/loops.ts';
import {
  type OpenConnection,
  type SiteRef,
  timeLeftMs,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { Snapshot } from './snapshot.ts';

/** At most this many are asked for; the next polls ask for the others. */
const MOST = 40;
const CONCURRENT_CALLS = 20;
/** The part of the time that is left in which calls begin; the rest is for their answers, and for what follows. */
const SHARE_OF_TIME = 0.25;
const LONGEST_MS = 2_500;
/** When so many have failed, and none was answered, the cloud answers no such calls. */
const SILENT_AFTER = 10;

/**
 * Takes a snapshot of a site whose list does not come: each machine that is on its way up or down is asked for by
 * itself, as many as the governor permits; of those at rest, some. A machine that is to go and has no id yet is asked
 * for by its launch token.
 *
 * @param loop is told up to which one was asked
 * @returns `late` where answers are still on their way; undefined where there is nothing to ask for, or the cloud does not
 * answer such calls either
 */
export async function snapshotById(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  loop: Loop,
): Promise<Snapshot | 'late' | undefined> {
  const { store } = context;
  const entries = await readSiteEntries(store, site.connectionKey, site.location);
  const wanted = inTurn(entries, loop.askedUpTo ?? '').slice(0, MOST);
  if (wanted.length === 0) return undefined;
  const seenAtMs = store.clock.now();
  const untilMs = seenAtMs + Math.min(LONGEST_MS, timeLeftMs(context) * SHARE_OF_TIME);
  const limit = pLimit(CONCURRENT_CALLS);
  const asked = new Set<string>();
  const seen: CloudInstance[] = [];
  let failures = 0;
  let isPermitted = true;
  const all = Promise.all(
    wanted.map((entry) =>
      limit(async () => {
        if ((failures >= SILENT_AFTER && asked.size === 0) || store.clock.now() > untilMs) return;
        if (!isPermitted) return;
        loop.askedUpTo = entry.siteSk;
        try {
          const waitMs = untilMs - store.clock.now();
          const machine = await find(site, opened.onTerms({ waitMs, furtherMs: waitMs }), entry);
          if (machine) seen.push(machine);
          asked.add(entry.siteSk);
        } catch (error) {
          if (!(error instanceof DriverError)) throw error;
          if (error.code === 'NoPermit') isPermitted = false;
          else {
            context.log.warn('machine not seen', { instanceId: entry.siteSk, code: error.code });
            failures += 1;
          }
        }
      }),
    ),
  );
  // What is not answered by then is left to the next poll.
  const late = store.clock.sleep(Math.ceil(untilMs - store.clock.now()));
  await Promise.race([all, late]);
  all.catch((error: unknown) => context.log.warn('machines not seen', { error }));
  if (asked.size === 0) return failures === 0 && isPermitted ? 'late' : undefined;
  return { entries, seen: [...seen], seenAtMs, isFull: false, asked: new Set(asked), isListless: true };
}

/** Those in transition before all others, each after the one that was asked for last: none is left out. */
function inTurn(entries: readonly SiteEntry[], askedUpTo: string): SiteEntry[] {
  const askable = entries.filter(
    ({ status, backendId }) => backendId !== undefined || status === 'Terminating',
  );
  const isAtRest = ({ status }: SiteEntry) => Number(!isTransitional(status));
  const isBefore = ({ siteSk }: SiteEntry) => Number(siteSk <= askedUpTo);
  return askable.toSorted(
    (a, b) => isAtRest(a) - isAtRest(b) || isBefore(a) - isBefore(b) || (a.siteSk < b.siteSk ? -1 : 1),
  );
}

/** @returns undefined when the cloud has no such machine */
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
