import { DEPLOYMENT_LOG, logOf } from '../../platform/store/audit-keys.ts';
import { readExported, writeExported } from '../../platform/store/exported-entries.ts';
import type { Store } from '../../platform/store/store.ts';
import type { StreamedEntry } from '../../platform/store/streamed-audit.ts';

export interface ExportDeps {
  store: Store<'audit'>;
  /** Writes an object. An object with this key is replaced. */
  put(key: string, text: string): Promise<void>;
}

/**
 * Exports a batch of new entries: for each partition of a log, one object with a JSON line for each entry.
 *
 * The stream delivers the entries of a partition in order, to one invocation at a time, and repeats a batch that failed. The
 * repeated batch begins with the same entry, and may be longer or shorter. Therefore an object has the name of its first
 * entry's sequence number, and a mark says what was exported before. An invocation that ends between the object and the
 * mark writes the same object again. No entry is in two objects, and none is left out.
 *
 * @param batch entries in the order of the stream
 * @returns the keys of the objects that were written
 */
export async function exportEntries(
  { store, put }: ExportDeps,
  batch: readonly StreamedEntry[],
): Promise<string[]> {
  const keys: string[] = [];
  for (const [partition, streamed] of Map.groupBy(batch, (one) => one.partition)) {
    const exported = await readExported(store, partition);
    const fresh = streamed.filter(({ sequence }) => exported === undefined || isLater(sequence, exported));
    const [first, last] = [fresh.at(0), fresh.at(-1)];
    if (!first || !last) continue;
    const key = keyOf(first);
    await put(key, fresh.map(({ entry }) => `${JSON.stringify(entry)}\n`).join(''));
    await writeExported(store, last);
    keys.push(key);
  }
  return keys;
}

/** Compares sequence numbers, which are decimal numbers of up to 40 digits. */
const isLater = (sequence: string, than: string): boolean => BigInt(sequence) > BigInt(than);

function keyOf({ partition, sequence, entry: { at } }: StreamedEntry): string {
  const log = logOf(partition);
  const shard = partition.slice(partition.lastIndexOf('#') + 1);
  const folder = log === DEPLOYMENT_LOG ? 'deployment' : `namespaces/${log}`;
  return `audit/${folder}/${at.slice(0, 10).replaceAll('-', '/')}/${shard}-${sequence.padStart(40, '0')}.jsonl`;
}
