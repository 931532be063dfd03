import type { ProxiedResponse } from './exchange.ts';

/** An answer that the proxy gives in the cloud's stead. */
export interface CannedAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body: string;
}

/**
 * What the proxy does to a call:
 *
 * - `throttle`: answers as the cloud does when there are too many calls; no effect
 * - `answer`: answers what the fault says; no effect
 * - `answerAfterEffect`: lets the server do it, then answers what the fault says
 * - `delay`: lets it through later
 * - `reset`: resets the connection; no effect
 * - `loseReplyBeforeEffect`, `loseReplyAfterEffect`: closes the connection without an answer
 * - `hang`: never answers; no effect
 */
export type FaultAction =
  | { kind: 'throttle' | 'reset' | 'loseReplyBeforeEffect' | 'loseReplyAfterEffect' | 'hang' }
  | { kind: 'answer' | 'answerAfterEffect'; answer: CannedAnswer }
  | { kind: 'delay'; delayMs: number };

export type Fault = FaultAction & {
  /** As the dialect names calls; `*`: every call. */
  call: string;
  /** How many calls it strikes; absent: until it is cleared. */
  count?: number;
  /** How many calls it lets pass first. */
  skip?: number;
};

/** Faults that are armed. At most one strikes a call: the first one that is due, in the order of arming. */
export class Faults {
  #armed: { fault: Fault; skipped: number; struck: number }[] = [];

  arm(...faults: readonly Fault[]): void {
    this.#armed.push(...faults.map((fault) => ({ fault, skipped: 0, struck: 0 })));
  }

  clear(): void {
    this.#armed = [];
  }

  /** How many calls have been struck by the faults that are armed. */
  get struck(): number {
    return this.#armed.reduce((sum, { struck }) => sum + struck, 0);
  }

  take(call: string): Fault | undefined {
    for (const one of this.#armed) {
      const { fault } = one;
      if (fault.call !== '*' && fault.call !== call) continue;
      if (one.struck >= (fault.count ?? Number.POSITIVE_INFINITY)) continue;
      if (one.skipped < (fault.skip ?? 0)) {
        one.skipped += 1;
        continue;
      }
      one.struck += 1;
      return fault;
    }
    return undefined;
  }
}

export function responseOf({ status, headers = {}, body }: CannedAnswer): ProxiedResponse {
  return { status, headers: { ...headers }, body: Buffer.from(body) };
}
