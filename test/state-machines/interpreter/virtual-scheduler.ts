import type { Scheduler } from './scheduler.ts';

interface Timer {
  at: number;
  order: number;
  wake: () => void;
}

/** Time that jumps to the next timer as soon as nothing else is left to do. Same calls, same order, each time. */
export class VirtualScheduler implements Scheduler {
  #now = Date.UTC(2026, 0, 1);
  #order = 0;
  /** A binary heap by time, then by order of the calls. */
  readonly #heap: Timer[] = [];
  readonly #dropped = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((wake) => {
      if (signal?.aborted) return;
      const timer = { at: this.#now + Math.max(0, ms), order: this.#order, wake };
      this.#order += 1;
      this.#push(timer);
      signal?.addEventListener('abort', () => this.#dropped.add(timer), { once: true });
    });
  }

  /**
   * Runs until `work` has settled.
   *
   * @throws Error when nothing is left that could ever settle it
   */
  async run<Result>(work: Promise<Result>): Promise<Result> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    work.then(settle, settle);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (settled) return work;
      const timer = this.#pop();
      if (!timer) throw new Error('deadlock: work is pending and no timer is set');
      this.#now = timer.at;
      timer.wake();
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfEarlier(at, parent)) return;
      at = parent;
    }
  }

  #pop(): Timer | undefined {
    for (;;) {
      const first = this.#heap[0];
      const last = this.#heap.pop();
      if (!first || !last) return undefined;
      if (first !== last) {
        this.#heap[0] = last;
        this.#sink();
      }
      if (!this.#dropped.delete(first)) return first;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const child = this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfEarlier(child, at)) return;
      at = child;
    }
  }

  #isEarlier(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (!a || !b) return false;
    return a.at === b.at ? a.order < b.order : a.at < b.at;
  }

  #swapIfEarlier(lower: number, upper: number): boolean {
    const [a, b] = [this.#heap[lower], this.#heap[upper]];
    if (!a || !b || !this.#isEarlier(lower, upper)) return false;
    this.#heap[upper] = a;
    this.#heap[lower] = b;
    return true;
  }
}
