import { createHash } from 'node:crypto';

/** Keeps a line for each event of a run if `isOn` is true. */
export class Trace {
  readonly lines: string[] = [];
  /** For each line: the product file that made the call; undefined if no product file made a call. */
  readonly callers: (string | undefined)[] = [];
  readonly #hash = createHash('sha256');
  /** True if the trace keeps lines. Callers check it before they build a line at some cost. */
  readonly isOn: boolean;
  readonly #startMs: number;
  readonly #now: () => number;

  constructor(now: () => number, isOn: boolean) {
    this.#now = now;
    this.#startMs = now();
    this.isOn = isOn;
  }

  add(who: string, what: string, caller?: string): void {
    if (!this.isOn) return;
    const line = `${((this.#now() - this.#startMs) / 1_000).toFixed(3).padStart(10)}  ${who.padEnd(14)} ${what}`;
    this.#hash.update(line);
    this.lines.push(line);
    this.callers.push(caller);
  }

  /** Returns a digest of all lines so far. */
  digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}
