import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { isTransitional } from '../../model/status.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import type { SiteEntry } from '../../platform/store/instances.ts';
import { UNCLAIMED_SLOT_MS } from './abandoned-slots.ts';
import { agrees, machineOf } from './compare.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Interval of polls that check deadlines, in ms. Such a poll re-reads every record in Creating or Terminating, compares
 * the addresses and types of all other machines with their records, and looks up the records of machines that have no
 * index entry.
 */
const DEADLINES_MS = 60_000;

/** The records that a poll has to read, and the slots that it has to check. */
export interface Picked {
  /** Ids of records that do not agree with the cloud's list, or whose deadline has to be checked. */
  rereadIds: readonly string[];
  /**
   * Ids of instances whose index entries agree with the list, but whose records may have old addresses or an old type.
   * The index has neither. Empty unless this poll checks deadlines.
   */
  restingIds: readonly string[];
  /**
   * Stale slot holders, with the start time of each permit. Their instances are not in Creating, or the cloud
   * has not accepted their create calls within UNCLAIMED_SLOT_MS.
   */
  staleHolders: Holders;
  /** Instance ids of the index entries in Creating. */
  creating: readonly string[];
  /** Slot holders whose create calls the cloud has not accepted yet, with the start time of each permit. */
  pending: Holders;
  /** True if this poll checks deadlines, and looks up the records of machines without an index entry. */
  withDeadlines: boolean;
}

/**
 * Picks the records that a poll has to read, and the slots that it has to check. Pure.
 *
 * @param fullAtMs time of the site's last full poll
 */
export function pick(
  { entries, asked, seenAtMs, isFull, isListless }: Snapshot,
  machines: ReadonlyMap<string, readonly CloudInstance[]>,
  holders: Holders,
  fullAtMs: number,
): Picked {
  const turn = (atMs: number) => Math.floor(atMs / DEADLINES_MS);
  const withDeadlines = isFull && turn(seenAtMs) !== turn(fullAtMs);
  const compared = asked ? entries.filter(({ siteSk }) => asked.has(siteSk)) : entries;
  const toReread = compared.filter((entry) =>
    needsReread(entry, machines, withDeadlines || isListless === true),
  );
  const rereads = new Set(toReread);
  const isResting = (entry: SiteEntry) => !rereads.has(entry) && !isTransitional(entry.status);
  const creating = entries.filter(({ status }) => status === 'Creating').map(({ siteSk }) => siteSk);
  const isCreating = new Set(creating);
  const isAccepted = new Set(entries.flatMap(({ siteSk, backendId }) => (backendId ? [siteSk] : [])));
  const pending = Object.fromEntries(Object.entries(holders).filter(([id]) => !isAccepted.has(id)));
  const isAbandoned = (id: string) => (pending[id] ?? seenAtMs) + UNCLAIMED_SLOT_MS < seenAtMs;
  const staleHolders = Object.entries(holders).filter(([id]) => !isCreating.has(id) || isAbandoned(id));
  return {
    rereadIds: toReread.map(({ siteSk }) => siteSk),
    restingIds: withDeadlines ? compared.filter(isResting).map(({ siteSk }) => siteSk) : [],
    staleHolders: Object.fromEntries(staleHolders),
    creating,
    pending,
    withDeadlines,
  };
}

function needsReread(
  entry: SiteEntry,
  machines: ReadonlyMap<string, readonly CloudInstance[]>,
  withDeadlines: boolean,
): boolean {
  if (withDeadlines && (entry.status === 'Creating' || entry.status === 'Terminating')) return true;
  return !agrees(entry, machineOf(entry, machines.get(entry.siteSk) ?? []));
}
