import { DriverError } from '../../drivers/contract/errors.ts';
import type { Timer } from '../runtime/clock.ts';

/** Permits of one kind are asked for again no sooner than this, however many requests wait for one. */
const AGAIN_MS = 50;

/** Asks the governor for so many permits. @returns how many may go out now, and when the others may ask again */
export type AskPermits = (wanted: number) => Promise<{ granted: number; retryAfterMs: number }>;

interface Waiting {
  /** Whether its method has begun: that one is ended before others begin. */
  isFurther: boolean;
  isTooLate(atMs: number): boolean;
  grant(): void;
  refuse(error: unknown): void;
}

/**
 * Requests of one process that wait for permits of one kind at one site, in their order. All that wait are asked for in
 * one write, however many they are.
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
   * @param untilMs is called each time that no permit is to be had; until when the request may wait
   * @param isFurther whether an earlier request of the same method was permitted: it goes before those of which none was
   * @throws DriverError NoPermit when there is none by then
   */
  take(untilMs: () => number, isFurther: boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const isTooLate = (atMs: number) => atMs > untilMs();
      const others = this.#waiting.findIndex((one) => isFurther && !one.isFurther);
      const at = others < 0 ? this.#waiting.length : others;
      this.#waiting.splice(at, 0, { isFurther, isTooLate, grant: resolve, refuse: reject });
      if (!this.#isServed) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#isServed = true;
    try {
      // Requests that begin together arrive here one after the other, and are asked for together.
      await Promise.resolve();
      while (this.#waiting.length > 0) await this.#serveOnce();
    } catch (error) {
      for (const one of this.#waiting.splice(0)) one.refuse(error);
    } finally {
      this.#isServed = false;
    }
  }

  async #serveOnce(): Promise<void> {
    const { granted, retryAfterMs } = await this.#ask(this.#waiting.length);
    for (const one of this.#waiting.splice(0, granted)) one.grant();
    if (this.#waiting.length === 0) return;
    const againMs = Math.max(AGAIN_MS, retryAfterMs);
    // Those that were granted note it first: their method may wait for its further requests.
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
  return new DriverError('NoPermit', `no call is permitted for ${Math.ceil(retryAfterMs)} ms`, {
    retryAfterMs,
  });
}
