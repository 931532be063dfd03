import type { ProxiedResponse } from './exchange.ts';

/** An answer that the proxy gives instead of the server's answer. */
export interface CannedAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body: string;
}

/**
 * Action of the proxy on a call. A call has an effect only if the proxy passes the call on.
 *
 * - `throttle`: gives the cloud's throttling answer
 * - `answer`: gives the answer of the fault
 * - `answerAfterEffect`: passes the call on, then gives the answer of the fault
 * - `delay`: passes the call on after `delayMs`
 * - `edit`: passes the call on, then gives the server's answer with an edited body
 * - `reset`: resets the connection
 * - `loseReplyBeforeEffect`: closes the connection without an answer
 * - `loseReplyAfterEffect`: passes the call on, then closes the connection without an answer
 * - `hang`: never answers
 */
export type FaultAction =
  | { kind: 'throttle' | 'reset' | 'loseReplyBeforeEffect' | 'loseReplyAfterEffect' | 'hang' }
  | { kind: 'answer' | 'answerAfterEffect'; answer: CannedAnswer }
  | { kind: 'delay'; delayMs: number }
  | { kind: 'edit'; edit(body: string): string };

export type Fault = FaultAction & {
  /** Name of the call, as `Dialect.callOf` returns it, or `*` for every call. */
  call: string;
  /** Number of calls that the fault hits. If absent, the fault hits every call until `clear` is called. */
  count?: number;
  /** Number of calls that pass before the first call that the fault hits. */
  skip?: number;
};

/**
 * The armed faults. At most one fault hits a call: the earliest armed fault whose call name, `count` and
 * `skip` allow it.
 */
export class Faults {
  #armed: { fault: Fault; skipped: number; struck: number }[] = [];

  arm(...faults: readonly Fault[]): void {
    this.#armed.push(...faults.map((fault) => ({ fault, skipped: 0, struck: 0 })));
  }

  clear(): void {
    this.#armed = [];
  }

  /** The number of calls that the armed faults have hit. */
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
