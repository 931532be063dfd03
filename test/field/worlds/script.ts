import type { Asked } from './asked.ts';

/** A fault, and the requests that it hits. */
export interface Trouble {
  /** Name of the request by the cloud's `nameOf`; a regular expression for several. */
  call: string | RegExp;
  /** Selects among these requests. Omit it for all. */
  when?: (asked: Asked) => boolean;
  /** Answers in place of the cloud, which then does not perform the request. Undefined: the cloud answers. */
  answer?: (asked: Asked) => Response | undefined;
  /** Milliseconds before the cloud performs the request. */
  lateMs?: number | ((asked: Asked) => number);
  /** Milliseconds between the effect of the request and its reply. */
  replyLateMs?: number;
  /** True if the cloud performs the request and its reply never comes. */
  losesReply?: boolean;
  /** Number of requests that it hits. Omit it for all until `end()`. */
  times?: number;
}

/** A fault that is in force. A case must check that its requests met it. */
export interface Met {
  /** Number of requests that it has hit. */
  readonly count: number;
  end(): void;
}

interface Active extends Met {
  trouble: Trouble;
  count: number;
  isOver: boolean;
}

/** The sum of all faults that hit one request. */
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

/** Keeps the faults of one cloud, and notes its requests. */
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

  /** Returns what happens to a request that has reached the cloud, and counts the faults that hit it. */
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
