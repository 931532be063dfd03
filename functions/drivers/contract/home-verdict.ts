import { DriverError } from './errors.ts';
import type { DriverClock } from './surroundings.ts';

/** Time for which the answer of the home region is used for further refusals, in ms. */
const KEPT_MS = 60_000;
/** As `KEPT_MS`, if the home region refused the credential, or did not answer. */
const REFUSED_KEPT_MS = 5_000;

export type Verdict = 'accepted' | 'refused' | 'unknown';

/**
 * Tells whether a cloud accepts a credential at all, by a call to the cloud's home region. Some clouds refuse each call
 * to a region that is not enabled for the account with the same words as a wrong credential.
 */
export class HomeVerdict {
  readonly #clock: DriverClock;
  readonly #callHome: () => Promise<unknown>;
  #kept: { untilMs: number; verdict: Promise<Verdict> } | undefined;

  /** @param callHome makes the call. @throws DriverError Unauthorized if the cloud refuses the credential */
  constructor(clock: DriverClock, callHome: () => Promise<unknown>) {
    this.#clock = clock;
    this.#callHome = callHome;
  }

  /** Concurrent refusals share one call. */
  async verdict(): Promise<Verdict> {
    if (this.#kept && this.#kept.untilMs > this.#clock.now()) return await this.#kept.verdict;
    const entry = { untilMs: this.#clock.now() + KEPT_MS, verdict: this.#ask() };
    this.#kept = entry;
    const verdict = await entry.verdict;
    if (verdict !== 'accepted') entry.untilMs = this.#clock.now() + REFUSED_KEPT_MS;
    return verdict;
  }

  async #ask(): Promise<Verdict> {
    try {
      await this.#callHome();
      return 'accepted';
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      return error.code === 'Unauthorized' ? 'refused' : 'unknown';
    }
  }
}
