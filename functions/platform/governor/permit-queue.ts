import { DriverError } from '../../drivers/contract/errors.ts';
import type { Timer } from '../runtime/clock.ts';

/** Minimum time between two requests to the governor for permits of one kind, each of which is a write. */
const AGAIN_MS = 50;

/**
 * Asks the governor for permits, one for each size. The size says how much of the limits a request takes.
 *
 * @returns `granted`: number of granted permits, for the first sizes; `retryAfterMs`: time in ms after which the
 *   governor may be asked for the rest
 */
export type AskPermits = (sizes: readonly number[]) => Promise<{ granted: number; retryAfterMs: number }>;

interface Waiting {
  size: number;
  /**
   * True if an earlier request of the same driver method was permitted. This request is then served before the first
   * requests of other methods.
   */
  isFurther: boolean;
  isTooLate(atMs: number): boolean;
  grant(): void;
  refuse(error: unknown): void;
}

/**
 * Queues the requests of one process that wait for permits of one kind at one site. Asks the governor for all of them
 * together.
 */
export class PermitQueue {
  readonly #timer: Timer;
  readonly #ask: AskPermits;
  readonly #waiting: Waiting[] = [];
  #isServed = false;

  constructor(timer: Timer, ask: AskPermits) {
    this.#timer = timer;
    this.#ask = ask;
  }

  /**
   * Waits for one permit.
   *
   * @param size how much of the limits the request takes: the number of machines of a create call
   * @param untilMs returns the time until which the request may wait, in ms since 1970; it is called each time that no
   *   permit is available
   * @param isFurther whether an earlier request of the same driver method was permitted. This request then gets a
   *   permit before the first requests of other methods
   * @throws DriverError NoPermit if no permit becomes available before `untilMs`
   */
  take(size: number, untilMs: () => number, isFurther: boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const isTooLate = (atMs: number) => atMs > untilMs();
      const others = this.#waiting.findIndex((one) => isFurther && !one.isFurther);
      const at = others < 0 ? this.#waiting.length : others;
      this.#waiting.splice(at, 0, { size, isFurther, isTooLate, grant: resolve, refuse: reject });
      if (!this.#isServed) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#isServed = true;
    try {
      // Requests that begin in the same tick arrive one after the other. After this wait, the governor is asked for all
      // of them together.
      await Promise.resolve();
      while (this.#waiting.length > 0) await this.#serveOnce();
    } catch (error) {
      for (const one of this.#waiting.splice(0)) one.refuse(error);
    } finally {
      this.#isServed = false;
    }
  }

  async #serveOnce(): Promise<void> {
    const { granted, retryAfterMs } = await this.#ask(this.#waiting.map(({ size }) => size));
    for (const one of this.#waiting.splice(0, granted)) one.grant();
    if (this.#waiting.length === 0) return;
    const againMs = Math.max(AGAIN_MS, retryAfterMs);
    // Lets granted requests run first, because they may extend the `untilMs` of later requests of the same driver
    // method.
    await Promise.resolve();
    const atMs = this.#timer.now() + againMs;
    const kept = this.#waiting.filter((one) => !one.isTooLate(atMs));
    const late = this.#waiting.filter((one) => !kept.includes(one));
    this.#waiting.splice(0, Number.POSITIVE_INFINITY, ...kept);
    for (const one of late) one.refuse(noPermit(retryAfterMs));
    if (kept.length > 0) await this.#timer.sleep(againMs);
  }
}

function noPermit(retryAfterMs: number): DriverError {
  return new DriverError(
    'NoPermit',
    `the governor permits no call for the next ${Math.ceil(retryAfterMs)} ms`,
    {
      retryAfterMs,
    },
  );
}
