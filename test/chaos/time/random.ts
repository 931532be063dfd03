/**
 * Draws random numbers from a seed (sfc32). Each part of a run has a stream of its own. More draws in one
 * part do not change the draws of another part.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream = '') {
    let hash = 0x811c9dc5 ^ seed;
    for (const sign of stream) hash = Math.imul(hash ^ sign.charCodeAt(0), 0x01000193);
    this.#a = seed | 0;
    this.#b = hash | 0;
    this.#c = (hash ^ 0x9e3779b9) | 0;
    for (let warm = 0; warm < 16; warm += 1) this.next();
  }

  /** Draws a number in [0, 1). */
  next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return (t >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** Draws a whole number from low to high, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  pick<Value>(list: readonly Value[]): Value {
    const value = list[Math.floor(this.next() * list.length)];
    if (value === undefined) throw new RangeError('the list to pick from is empty');
    return value;
  }

  shuffle<Value>(list: readonly Value[]): Value[] {
    return list
      .map((value) => ({ value, at: this.next() }))
      .sort((one, other) => one.at - other.at)
      .map(({ value }) => value);
  }
}
