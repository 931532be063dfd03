/**
 * Entries under one partition key. An ordered read sorts them only if a write has changed the order since the
 * last ordered read.
 */
export class SortedPartition<Entry extends { sk: string }> {
  readonly #entries = new Map<string, Entry>();
  #sorted: Entry[] = [];
  #isSorted = true;

  get size(): number {
    return this.#entries.size;
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  put(id: string, entry: Entry): void {
    this.#entries.set(id, entry);
    const last = this.#sorted.at(-1);
    if (last && last.sk >= entry.sk) this.#isSorted = false;
    this.#sorted.push(entry);
  }

  delete(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    const at = this.#sorted.indexOf(entry);
    this.#sorted.splice(at, 1);
  }

  values(): Iterable<Entry> {
    return this.#entries.values();
  }

  /**
   * Yields the entries whose sort key has the prefix, in order. This is a generator, because most callers
   * stop early.
   */
  *beginning(prefix: string): Generator<Entry> {
    const all = this.sorted();
    let [from, to] = [0, all.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((all[middle]?.sk ?? '') < prefix) from = middle + 1;
      else to = middle;
    }
    for (let entry = all[from]; entry?.sk.startsWith(prefix); entry = all[from]) {
      yield entry;
      from += 1;
    }
  }

  sorted(): readonly Entry[] {
    if (!this.#isSorted) {
      this.#sorted.sort((one, other) => (one.sk < other.sk ? -1 : Number(one.sk > other.sk)));
      this.#isSorted = true;
    }
    return this.#sorted;
  }
}
