import { BY_NAMESPACE_ATTRIBUTES, BY_SITE_ATTRIBUTES } from '../../../../functions/platform/store/keys.ts';
import type { Capacity } from './capacity.ts';
import type { Item } from './evaluate.ts';
import { SortedPartition } from './sorted-partition.ts';

export interface IndexDefinition {
  name: string;
  pk: string;
  sk: string;
  attributes: readonly string[];
}

/** The indexes of the table `fleets`, as infra/constructs/data.ts makes them. */
export const FLEETS_INDEXES: readonly IndexDefinition[] = [
  { name: 'byNamespace', pk: 'nsPk', sk: 'nsSk', attributes: BY_NAMESPACE_ATTRIBUTES },
  { name: 'bySite', pk: 'sitePk', sk: 'siteSk', attributes: BY_SITE_ATTRIBUTES },
  { name: 'byActivity', pk: 'activePk', sk: 'activeSk', attributes: [] },
];

interface Version {
  item: Item | undefined;
  /** Time from which eventually consistent readers see this version. */
  visibleAtMs: number;
}

/** One item with the versions that an eventually consistent read may still return. */
interface Stored {
  pk: string;
  sk: string;
  now: Item | undefined;
  /** Oldest first. The last version is `now`. */
  versions: Version[];
}

/** Returns the version that eventually consistent readers see now, and drops the versions before it. */
function asSeen(versions: Version[], nowMs: number): Item | undefined {
  while (versions.length > 1 && (versions[1]?.visibleAtMs ?? 0) <= nowMs) versions.shift();
  return versions[0]?.item;
}

/** The projection of one item in an index, under the last key that the item had in the index. */
interface Entry {
  id: string;
  pk: string;
  sk: string;
  versions: Version[];
}

/** The times from which eventually consistent readers see a write: in the table, and in each index. */
export interface Lags {
  nowMs: number;
  baseAtMs: number;
  indexAtMs: () => number;
}

class Index {
  readonly definition: IndexDefinition;
  readonly #projected: readonly string[];
  readonly #entries = new Map<string, Entry>();
  readonly #partitions = new Map<string, SortedPartition<Entry>>();

  constructor(definition: IndexDefinition) {
    this.definition = definition;
    const { pk, sk, attributes } = definition;
    this.#projected = ['pk', 'sk', pk, sk, ...attributes];
  }

  put(
    id: string,
    item: Item | undefined,
    { nowMs, indexAtMs: visibleAtMs }: Pick<Lags, 'nowMs' | 'indexAtMs'>,
    capacity: Capacity | undefined,
  ): void {
    const { pk, sk } = this.definition;
    const known = this.#entries.get(id);
    const [pkValue, skValue] = [item?.[pk], item?.[sk]];
    const isIndexed = item !== undefined && typeof pkValue === 'string' && typeof skValue === 'string';
    if (!known && !isIndexed) return;
    const versions = known?.versions ?? [{ item: undefined, visibleAtMs: 0 }];
    asSeen(versions, nowMs);
    const last = versions.at(-1)?.visibleAtMs ?? 0;
    const projected = isIndexed ? this.#project(item) : undefined;
    const hasMoved = known?.pk !== pkValue || known?.sk !== skValue;
    capacity?.writeIndex(versions.at(-1)?.item, projected, hasMoved);
    versions.push({ item: projected, visibleAtMs: Math.max(last, visibleAtMs()) });
    if (!isIndexed || !hasMoved) return;
    if (known) this.#forget(known);
    const entry = { id, pk: pkValue, sk: skValue, versions };
    this.#entries.set(id, entry);
    const partition = this.#partitions.get(pkValue) ?? new SortedPartition<Entry>();
    this.#partitions.set(pkValue, partition);
    partition.put(id, entry);
  }

  #project(item: Item): Item {
    const projected: Item = {};
    for (const name of this.#projected) if (name in item) projected[name] = item[name];
    return projected;
  }

  #forget({ id, pk }: Entry): void {
    this.#entries.delete(id);
    this.#partitions.get(pk)?.delete(id);
  }

  partition(pk: string, nowMs: number): Item[] {
    const items: Item[] = [];
    const ended: Entry[] = [];
    for (const entry of this.#partitions.get(pk)?.sorted() ?? []) {
      const item = asSeen(entry.versions, nowMs);
      if (item) items.push(item);
      else if (entry.versions.length === 1) ended.push(entry);
    }
    for (const entry of ended) this.#forget(entry);
    return items;
  }
}

/** A table with its indexes. Each write states until when eventually consistent readers see the old item. */
export class Table {
  readonly name: string;
  /** Called after each write. */
  onWrite: (before: Item | undefined, after: Item | undefined) => void = () => {};
  readonly #partitions = new Map<string, SortedPartition<Stored>>();
  readonly #indexes: Index[];

  constructor(name: string, indexes: readonly IndexDefinition[] = []) {
    this.name = name;
    this.#indexes = indexes.map((definition) => new Index(definition));
  }

  get(pk: string, sk: string): Item | undefined {
    return this.#partitions.get(pk)?.get(sk)?.now;
  }

  /** Reads with eventual consistency. */
  seen(pk: string, sk: string, nowMs: number): Item | undefined {
    const stored = this.#partitions.get(pk)?.get(sk);
    return stored && asSeen(stored.versions, nowMs);
  }

  /** Writes an item. @param item undefined deletes the item */
  put(
    pk: string,
    sk: string,
    item: Item | undefined,
    { nowMs, baseAtMs, indexAtMs }: Lags,
    capacity?: Capacity,
  ): void {
    let partition = this.#partitions.get(pk);
    if (!partition) {
      partition = new SortedPartition();
      this.#partitions.set(pk, partition);
    }
    let stored = partition.get(sk);
    if (!stored) {
      stored = { pk, sk, now: undefined, versions: [{ item: undefined, visibleAtMs: 0 }] };
      partition.put(sk, stored);
    }
    const before = stored.now;
    stored.now = item;
    asSeen(stored.versions, nowMs);
    const last = stored.versions.at(-1)?.visibleAtMs ?? 0;
    stored.versions.push({ item, visibleAtMs: Math.max(last, baseAtMs) });
    for (const index of this.#indexes) index.put(`${pk}\n${sk}`, item, { nowMs, indexAtMs }, capacity);
    this.onWrite(before, item);
  }

  /** Yields the items of a partition whose sort key has the prefix, in order. */
  *partition(pk: string, nowMs: number, consistent: boolean, prefix = ''): Generator<Item> {
    const partition = this.#partitions.get(pk);
    const ended: Stored[] = [];
    try {
      for (const stored of partition?.beginning(prefix) ?? []) {
        const seen = asSeen(stored.versions, nowMs);
        const item = consistent ? stored.now : seen;
        if (item) yield item;
        else if (stored.now === undefined && stored.versions.length === 1) ended.push(stored);
      }
    } finally {
      for (const { sk } of ended) partition?.delete(sk);
    }
  }

  indexPartition(indexName: string, pk: string, nowMs: number): { items: Item[]; keys: [string, string] } {
    const index = this.#indexes.find(({ definition }) => definition.name === indexName);
    if (!index) throw new Error(`table ${this.name} has no index ${indexName}`);
    return { items: index.partition(pk, nowMs), keys: [index.definition.pk, index.definition.sk] };
  }

  /** Returns every item of the table, for the checks of a run. */
  all(): Item[] {
    return [...this.#partitions.values()].flatMap((partition) =>
      [...partition.values()].flatMap(({ now }) => (now ? [now] : [])),
    );
  }
}
