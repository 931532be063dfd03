/**
 * A binary heap. `pop` removes and returns the first entry in the order. `push` and `pop` take logarithmic
 * time.
 */
export class Heap<Entry> {
  readonly #entries: Entry[] = [];
  readonly #isEarlier: (one: Entry, other: Entry) => boolean;

  /** @param isEarlier a strict order; `pop` returns equal entries in any order */
  constructor(isEarlier: (one: Entry, other: Entry) => boolean) {
    this.#isEarlier = isEarlier;
  }

  get size(): number {
    return this.#entries.length;
  }

  get first(): Entry | undefined {
    return this.#entries[0];
  }

  push(entry: Entry): void {
    const entries = this.#entries;
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = entries[above];
      if (parent === undefined || !this.#isEarlier(entry, parent)) break;
      entries[at] = parent;
      at = above;
    }
    entries[at] = entry;
  }

  pop(): Entry | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (first !== undefined && last !== undefined && entries.length > 0) this.#sink(last);
    return first;
  }

  /** Replaces the first entry, and moves the new entry down to its place in the order. */
  #sink(entry: Entry): void {
    const entries = this.#entries;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [one, other] = [entries[left], entries[left + 1]];
      const isRight = one !== undefined && other !== undefined && this.#isEarlier(other, one);
      const child = isRight ? other : one;
      if (child === undefined || !this.#isEarlier(child, entry)) break;
      entries[at] = child;
      at = isRight ? left + 1 : left;
    }
    entries[at] = entry;
  }
}
