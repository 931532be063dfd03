import type { Clock } from '../runtime/clock.ts';
import { type Savings, usage } from '../runtime/usage.ts';

/**
 * Caches the results of `load` across the invocations of one process, each result for a limited time. If several
 * callers ask for the same key while its `load` is under way, they share that `load`. Failures are not cached.
 */
export class Cache<Value> {
  readonly #entries = new Map<string, { untilMs: number; value: Promise<Value> }>();
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #size: number;
  readonly #counted: keyof Savings;

  /**
   * @param keepMs time for which a result is cached
   * @param counted field of `usage.saved` that each use of a cached result increments
   * @param size maximum number of cached results. A further result replaces the oldest one
   */
  constructor(clock: Clock, keepMs: number, counted: keyof Savings, size = 1_000) {
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#size = size;
    this.#counted = counted;
  }

  get(key: string, load: () => Promise<Value>): Promise<Value> {
    const nowMs = this.#clock.now();
    const known = this.#entries.get(key);
    if (known && known.untilMs > nowMs) {
      usage.saved[this.#counted] += 1;
      return known.value;
    }
    const value = load();
    this.#entries.delete(key);
    if (this.#entries.size >= this.#size) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(key, { untilMs: nowMs + this.#keepMs, value });
    value.catch(() => this.forget(key));
    return value;
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }
}
