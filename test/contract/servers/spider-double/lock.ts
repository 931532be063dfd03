/**
 * Serializes the requests for one name, as CB-Spider does. A request waits until all earlier requests for the
 * name have ended.
 */
export class Lock {
  readonly #held = new Map<string, Promise<void>>();

  async hold<Answer>(key: string, work: () => Promise<Answer>): Promise<Answer> {
    const before = this.#held.get(key) ?? Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = before.then(() => promise);
    this.#held.set(key, mine);
    await before;
    try {
      return await work();
    } finally {
      resolve();
      if (this.#held.get(key) === mine) this.#held.delete(key);
    }
  }
}
