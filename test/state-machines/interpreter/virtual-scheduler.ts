import { Heap } from './heap.ts';
import type { Scheduler } from './scheduler.ts';

interface Timer {
  at: number;
  order: number;
  isDropped: boolean;
  wake: () => void;
}

const nothing = () => {};
const TURNS_PER_LOOP = 256;

/** Resolves after all promise callbacks that can run now have run. */
async function quiet(turn: number): Promise<void> {
  // `nextTick` is cheaper than `setImmediate`, but gives other work of the Node.js process, for example I/O,
  // no time to run. Every `TURNS_PER_LOOP` turns, `setImmediate` gives that work time.
  if (turn % TURNS_PER_LOOP === 0) await new Promise((resolve) => setImmediate(resolve));
  else await new Promise<void>((resolve) => process.nextTick(resolve));
}

/**
 * A clock that jumps to the next timer when no other work can run. The order of calls is the same in every
 * run.
 */
export class VirtualScheduler implements Scheduler {
  #now = Date.UTC(2026, 0, 1);
  #order = 0;
  readonly #outside = new Set<Promise<void>>();
  readonly #timers = new Heap<Timer>((one, other) =>
    one.at === other.at ? one.order < other.order : one.at < other.at,
  );

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((wake) => {
      if (signal?.aborted) return;
      const drop = this.wakeIn(ms, wake);
      signal?.addEventListener('abort', drop, { once: true });
    });
  }

  /** Calls `wake` after `ms` milliseconds. @returns a function that cancels the timer */
  wakeIn(ms: number, wake: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order, isDropped: false, wake };
    this.#order += 1;
    this.#timers.push(timer);
    return () => {
      timer.isDropped = true;
      // The cancelled timer stays in the heap until its time is reached. Free what its callback refers to.
      timer.wake = nothing;
    };
  }

  /**
   * Stops the clock until `work` has settled, which happens outside of virtual time: a request to a real server, for
   * instance.
   */
  async outside<Result>(work: Promise<Result>): Promise<Result> {
    const settled = work.then(nothing, nothing);
    this.#outside.add(settled);
    try {
      return await work;
    } finally {
      this.#outside.delete(settled);
    }
  }

  /** Runs until `work` has settled. @throws Error if no timer is left that could settle `work` */
  async run<Result>(work: Promise<Result>): Promise<Result> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    work.then(settle, settle);
    for (let turn = 0; ; turn += 1) {
      await quiet(turn);
      if (settled) return work;
      if (this.#outside.size > 0) {
        await Promise.race(this.#outside);
        continue;
      }
      const timer = this.#next();
      if (!timer) throw new Error('deadlock: work is pending and no timer is set');
      this.#now = timer.at;
      timer.wake();
    }
  }

  #next(): Timer | undefined {
    for (;;) {
      const timer = this.#timers.pop();
      if (!timer?.isDropped) return timer;
    }
  }
}
