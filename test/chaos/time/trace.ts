import { createHash } from 'node:crypto';

/** Records what happens in a run, line by line, when the caller asks for it. */
export class Trace {
  readonly lines: string[] = [];
  readonly #hash = createHash('sha256');
  /** Whether lines are wanted at all: who would have to make an effort for one asks first. */
  readonly isOn: boolean;
  readonly #startMs: number;
  readonly #now: () => number;

  constructor(now: () => number, isOn: boolean) {
    this.#now = now;
    this.#startMs = now();
    this.isOn = isOn;
  }

  add(who: string, what: string): void {
    if (!this.isOn) return;
    const line = `${((this.#now() - this.#startMs) / 1_000).toFixed(3).padStart(10)}  ${who.padEnd(14)} ${what}`;
    this.#hash.update(line);
    this.lines.push(line);
  }

  /** Of all lines so far. */
  digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}
