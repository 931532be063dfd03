import type { Clock } from '../runtime/clock.ts';

/**
 * Answers kept between invocations of one process, each for some time. A call under way is shared; one that failed
 * is not kept.
 */
export class Cache<Value> {
  readonly #entries = new Map<string, { untilMs: number; value: Promise<Value> }>();
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #size: number;

  constructor(clock: Clock, keepMs: number, size = 1_000) {
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#size = size;
  }

  get(key: string, load: () => Promise<Value>): Promise<Value> {
    const nowMs = this.#clock.now();
    const known = this.#entries.get(key);
    if (known && known.untilMs > nowMs) return known.value;
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
