/** Caches answers for the life of the client. Concurrent callers share one call. A failed call is not cached. */
export class Kept<Value> {
  readonly #values = new Map<string, Promise<Value>>();

  get(key: string, load: () => Promise<Value>): Promise<Value> {
    const known = this.#values.get(key);
    if (known) return known;
    const value = load();
    this.#values.set(key, value);
    value.catch(() => this.#values.delete(key));
    return value;
  }
}
