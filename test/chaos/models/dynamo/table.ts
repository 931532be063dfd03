import { BY_NAMESPACE_ATTRIBUTES, BY_PLACE_ATTRIBUTES } from '../../../../functions/store/keys.ts';
import type { Item } from './evaluate.ts';

export interface IndexDefinition {
  name: string;
  pk: string;
  sk: string;
  attributes: readonly string[];
}

/** The indexes of the table `fleets`, as infra/constructs/data.ts makes them. */
export const FLEETS_INDEXES: readonly IndexDefinition[] = [
  { name: 'byNamespace', pk: 'nsPk', sk: 'nsSk', attributes: BY_NAMESPACE_ATTRIBUTES },
  { name: 'byPlace', pk: 'placePk', sk: 'placeSk', attributes: BY_PLACE_ATTRIBUTES },
  { name: 'byActivity', pk: 'activePk', sk: 'activeSk', attributes: [] },
];

interface Version {
  item: Item | undefined;
  /** When it can be seen by those who do not ask for the newest. */
  visibleAtMs: number;
}

/** One item with the versions that an eventually consistent reader may still be shown. */
interface Stored {
  pk: string;
  sk: string;
  now: Item | undefined;
  /** Oldest first; the last one is `now`. */
  versions: Version[];
}

function asSeen(versions: Version[], nowMs: number): Item | undefined {
  while ((versions[1]?.visibleAtMs ?? Number.POSITIVE_INFINITY) <= nowMs) versions.shift();
  return versions[0]?.item;
}

class Index {
  readonly definition: IndexDefinition;
  readonly #entries = new Map<string, { pk: string; sk: string; versions: Version[] }>();

  constructor(definition: IndexDefinition) {
    this.definition = definition;
  }

  put(id: string, item: Item | undefined, visibleAtMs: number): void {
    const { pk, sk, attributes } = this.definition;
    const known = this.#entries.get(id);
    const [pkValue, skValue] = [item?.[pk], item?.[sk]];
    const indexed = item !== undefined && typeof pkValue === 'string' && typeof skValue === 'string';
    if (!known && !indexed) return;
    const projected = indexed
      ? Object.fromEntries(
          ['pk', 'sk', pk, sk, ...attributes].flatMap((name) => (name in item ? [[name, item[name]]] : [])),
        )
      : undefined;
    const entry = known ?? { pk: '', sk: '', versions: [{ item: undefined, visibleAtMs: 0 }] };
    if (typeof pkValue === 'string' && typeof skValue === 'string') {
      entry.pk = pkValue;
      entry.sk = skValue;
    }
    const last = entry.versions.at(-1)?.visibleAtMs ?? 0;
    entry.versions.push({ item: projected, visibleAtMs: Math.max(last, visibleAtMs) });
    this.#entries.set(id, entry);
  }

  partition(pk: string, nowMs: number): Item[] {
    const found: { sk: string; item: Item }[] = [];
    for (const [id, entry] of this.#entries) {
      if (entry.pk !== pk) continue;
      const item = asSeen(entry.versions, nowMs);
      if (item) found.push({ sk: entry.sk, item });
      else if (entry.versions.length === 1) this.#entries.delete(id);
    }
    return found.sort((one, other) => (one.sk < other.sk ? -1 : 1)).map(({ item }) => item);
  }
}

/** A table with its indexes. Who writes says how long others may still see what was there before. */
export class Table {
  readonly name: string;
  /** Told of each write, after it. */
  onWrite: (before: Item | undefined, after: Item | undefined) => void = () => {};
  readonly #partitions = new Map<string, Map<string, Stored>>();
  readonly #indexes: Index[];

  constructor(name: string, indexes: readonly IndexDefinition[] = []) {
    this.name = name;
    this.#indexes = indexes.map((definition) => new Index(definition));
  }

  get(pk: string, sk: string): Item | undefined {
    return this.#partitions.get(pk)?.get(sk)?.now;
  }

  /** What an eventually consistent read finds. */
  seen(pk: string, sk: string, nowMs: number): Item | undefined {
    const stored = this.#partitions.get(pk)?.get(sk);
    return stored && asSeen(stored.versions, nowMs);
  }

  /** @param item undefined deletes */
  put(
    pk: string,
    sk: string,
    item: Item | undefined,
    { baseAtMs, indexAtMs }: { baseAtMs: number; indexAtMs: () => number },
  ): void {
    let partition = this.#partitions.get(pk);
    if (!partition) {
      partition = new Map();
      this.#partitions.set(pk, partition);
    }
    const stored = partition.get(sk) ?? {
      pk,
      sk,
      now: undefined,
      versions: [{ item: undefined, visibleAtMs: 0 }],
    };
    const before = stored.now;
    stored.now = item;
    const last = stored.versions.at(-1)?.visibleAtMs ?? 0;
    stored.versions.push({ item, visibleAtMs: Math.max(last, baseAtMs) });
    partition.set(sk, stored);
    for (const index of this.#indexes) index.put(`${pk}\n${sk}`, item, indexAtMs());
    this.onWrite(before, item);
  }

  /** All of a partition in the order of its sort key. */
  partition(pk: string, nowMs: number, consistent: boolean): Item[] {
    const stored = [...(this.#partitions.get(pk)?.values() ?? [])];
    stored.sort((one, other) => (one.sk < other.sk ? -1 : 1));
    return stored.flatMap((one) => {
      const item = consistent ? one.now : asSeen(one.versions, nowMs);
      return item ? [item] : [];
    });
  }

  indexPartition(indexName: string, pk: string, nowMs: number): { items: Item[]; keys: [string, string] } {
    const index = this.#indexes.find(({ definition }) => definition.name === indexName);
    if (!index) throw new Error(`no index ${indexName} of ${this.name}`);
    return { items: index.partition(pk, nowMs), keys: [index.definition.pk, index.definition.sk] };
  }

  /** Every item that is there, for whoever checks a run. */
  all(): Item[] {
    return [...this.#partitions.values()].flatMap((partition) =>
      [...partition.values()].flatMap(({ now }) => (now ? [now] : [])),
    );
  }
}
