import { isTransitional } from '../../model/status.ts';
import type { SiteEntry } from '../../platform/store/instances.ts';
import type { Loop } from '../../platform/store/loops.ts';

/** Maximum number of machines of one kind that one poll reads. Later polls read the other machines. */
const MOST = 40;
/**
 * Maximum number of machines at rest that a poll reads while others are in transition, and maximum number of machines
 * that it reads before they are expected to run.
 */
const MOST_OF_OTHERS = 5;

type Cursors = Pick<Loop, 'askedUpTo' | 'askedUpToAtRest' | 'deferredReads' | 'fastestMs'>;

interface Timing {
  /** Start times of the create calls whose instances hold slots, in ms since 1970, by instance id. */
  startsMs: Readonly<Record<string, number>>;
  /** Time before the site's shortest boot time has passed, in ms, from which a machine is expected to run. */
  leadMs: number;
  nowMs: number;
}

/** A machine to read, and which cursor of the poll loop moves to it. Absent: none. */
export interface Read {
  entry: SiteEntry;
  cursor?: 'askedUpTo' | 'askedUpToAtRest';
}

/**
 * Returns the machines that a poll reads one by one, in reading order. Each read takes permits, which are then
 * missing for a machine that runs.
 *
 * 1. Machines in transition. Those whose reads are deferred come last, and the one that was deferred the longest time
 *    ago first. Otherwise the entries after `askedUpTo` come first, so that several polls together read every entry.
 * 2. Machines that boot, and cannot be expected to run yet by the site's shortest boot time: the oldest few. If
 *    machines now boot faster, these reads show it.
 * 3. Machines at rest: a few while any entry is in transition. Those after `askedUpToAtRest` come first.
 *
 * Leaves out machines in Creating without a backend id, because their launches look them up. Pure.
 */
export function readingOrder(
  entries: readonly SiteEntry[],
  { askedUpTo, askedUpToAtRest, deferredReads = {}, fastestMs = 0 }: Cursors,
  { startsMs, leadMs, nowMs }: Timing,
): Read[] {
  const startMs = ({ siteSk }: SiteEntry) => startsMs[siteSk] ?? 0;
  const isBooting = (entry: SiteEntry) =>
    entry.status === 'Creating' && startMs(entry) + fastestMs - leadMs > nowMs;
  const readable = entries.filter(
    ({ status, backendId }) => backendId !== undefined || status === 'Terminating',
  );
  const {
    expected = [],
    booting = [],
    atRest = [],
  } = Object.groupBy(readable, (entry) => {
    if (!isTransitional(entry.status)) return 'atRest';
    return isBooting(entry) ? 'booting' : 'expected';
  });
  const isAnyMoving = entries.some(({ status }) => isTransitional(status));
  const deferredAtMs = ({ siteSk }: SiteEntry) => deferredReads[siteSk] ?? 0;
  const first = inTurn(expected, askedUpTo, deferredAtMs).slice(0, MOST);
  const oldest = inTurn(booting, undefined, startMs).slice(0, MOST_OF_OTHERS);
  const rest = inTurn(atRest, askedUpToAtRest, () => 0).slice(0, isAnyMoving ? MOST_OF_OTHERS : MOST);
  return [
    ...first.map((entry) => ({ entry, cursor: 'askedUpTo' as const })),
    ...oldest.map((entry) => ({ entry })),
    ...rest.map((entry) => ({ entry, cursor: 'askedUpToAtRest' as const })),
  ];
}

/** Sorts entries by a time. Of those with an equal time, the entries after the cursor come first, by their ids. */
function inTurn(entries: readonly SiteEntry[], cursor = '', atMs: (entry: SiteEntry) => number): SiteEntry[] {
  const isBefore = ({ siteSk }: SiteEntry) => Number(siteSk <= cursor);
  return entries.toSorted(
    (a, b) => atMs(a) - atMs(b) || isBefore(a) - isBefore(b) || (a.siteSk < b.siteSk ? -1 : 1),
  );
}
