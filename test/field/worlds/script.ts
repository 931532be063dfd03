import type { Asked } from './asked.ts';

/** A fault, and which requests it hits. */
export interface Trouble {
  /** Name of the request as `nameOf` of the cloud returns it, or a regular expression for several names. */
  call: string | RegExp;
  /** Selects among these requests. Omit it to hit all these requests. */
  when?: (asked: Asked) => boolean;
  /**
   * Answers instead of the cloud, which then does not perform the request. If it returns undefined, the cloud
   * answers.
   */
  answer?: (asked: Asked) => Response | undefined;
  /** Time before the cloud performs the request, in ms. */
  lateMs?: number | ((asked: Asked) => number);
  /** Time between the effect of the request and its reply, in ms. */
  replyLateMs?: number;
  /** True if the cloud performs the request but never replies. */
  losesReply?: boolean;
  /** Number of requests that the fault hits. Omit it to hit all requests until `end()`. */
  times?: number;
}

/** A fault that is active. A case must check that the fault hit its requests. */
export interface Met {
  /** Number of requests that the fault has hit. */
  readonly count: number;
  end(): void;
}

interface Active extends Met {
  trouble: Trouble;
  count: number;
  isOver: boolean;
}

/** The combined effects of all faults that hit one request. */
interface Meeting {
  lateMs: number;
  replyLateMs: number;
  isReplyLost: boolean;
  instead?: Response;
}

export interface Noted {
  call: string;
  atMs: number;
  status: number;
}

/** Keeps the faults of one cloud, and records the requests that the cloud answered. */
export class Script {
  /** All answered requests, in order. */
  readonly noted: Noted[] = [];
  readonly #active: Active[] = [];

  trouble(trouble: Trouble): Met {
    const active: Active = { trouble, count: 0, isOver: false, end: () => {} };
    active.end = () => {
      active.isOver = true;
    };
    this.#active.push(active);
    return active;
  }

  note(call: string, atMs: number, status: number): void {
    this.noted.push({ call, atMs, status });
  }

  /** Returns the answered requests with this name from `sinceMs` on. */
  calls(call: string | RegExp, sinceMs = 0): Noted[] {
    return this.noted.filter((one) => one.atMs >= sinceMs && isCall(call, one.call));
  }

  /**
   * Returns the combined effects of the faults on a request that has reached the cloud, and counts the
   * request for each of these faults.
   */
  meet(name: string, asked: Asked): Meeting {
    const met: Meeting = { lateMs: 0, replyLateMs: 0, isReplyLost: false };
    for (const active of this.#active) {
      const { trouble } = active;
      if (active.isOver || !isCall(trouble.call, name) || trouble.when?.(asked) === false) continue;
      const instead = met.instead ? undefined : trouble.answer?.(asked);
      if (trouble.answer && !instead) continue;
      active.count += 1;
      if (active.count >= (trouble.times ?? Number.POSITIVE_INFINITY)) active.isOver = true;
      if (instead) met.instead = instead;
      met.lateMs += typeof trouble.lateMs === 'function' ? trouble.lateMs(asked) : (trouble.lateMs ?? 0);
      met.replyLateMs += trouble.replyLateMs ?? 0;
      met.isReplyLost ||= trouble.losesReply ?? false;
    }
    return met;
  }
}

function isCall(wanted: string | RegExp, name: string): boolean {
  return typeof wanted === 'string' ? wanted === name : wanted.test(name);
}
