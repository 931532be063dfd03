import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import type { PlaceEntry } from '../../platform/store/instances.ts';
import { UNCLAIMED_SLOT_MS } from './abandoned-slots.ts';
import { agrees, machineOf } from './compare.ts';
import type { Sight } from './sight.ts';

/** So often every record in transition is read, for its deadline, and those of machines that no entry speaks of. */
const DEADLINES_MS = 60_000;

/** What entries of the index, slots and the cloud's list tell by themselves: which records are to be read. */
export interface Picked {
  /** Records that do not agree with the cloud's list, or whose deadline is to be checked. */
  suspectIds: readonly string[];
  /** Holders of slots that are not being created: a hand-off was cut short. */
  strangers: Holders;
  /** Ids of entries that are being created. */
  creating: readonly string[];
  /** Holders of slots that the cloud has accepted nothing of, by when they got their permit. */
  pending: Holders;
  /** Whether this poll checks deadlines, and machines that no entry speaks of. */
  withDeadlines: boolean;
}

/** Picks the records that a poll has to read. Pure. @param wholeAtMs when everything at the place was last polled */
export function pick(
  { entries, asked, seenAtMs, isWhole, isListless }: Sight,
  machines: ReadonlyMap<string, readonly CloudInstance[]>,
  holders: Holders,
  wholeAtMs: number,
): Picked {
  const turn = (atMs: number) => Math.floor(atMs / DEADLINES_MS);
  const withDeadlines = isWhole && turn(seenAtMs) !== turn(wholeAtMs);
  const looked = asked ? entries.filter(({ placeSk }) => asked.has(placeSk)) : entries;
  const suspects = looked.filter((entry) => isSuspect(entry, machines, withDeadlines || isListless === true));
  const creating = entries.filter(({ status }) => status === 'Creating').map(({ placeSk }) => placeSk);
  const isCreating = new Set(creating);
  const isAccepted = new Set(entries.flatMap(({ placeSk, backendId }) => (backendId ? [placeSk] : [])));
  const pending = Object.fromEntries(Object.entries(holders).filter(([id]) => !isAccepted.has(id)));
  const isAbandoned = (id: string) => (pending[id] ?? seenAtMs) + UNCLAIMED_SLOT_MS < seenAtMs;
  const strangers = Object.entries(holders).filter(([id]) => !isCreating.has(id) || isAbandoned(id));
  return {
    suspectIds: suspects.map(({ placeSk }) => placeSk),
    strangers: Object.fromEntries(strangers),
    creating,
    pending,
    withDeadlines,
  };
}

function isSuspect(
  entry: PlaceEntry,
  machines: ReadonlyMap<string, readonly CloudInstance[]>,
  withDeadlines: boolean,
): boolean {
  if (withDeadlines && entry.status === 'Creating') return true;
  return !agrees(entry, machineOf(entry, machines.get(entry.placeSk) ?? []));
}
