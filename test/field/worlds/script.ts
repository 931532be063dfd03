import type { Asked } from './asked.ts';

/** What goes wrong with requests that it is about. */
export interface Trouble {
  /** In the words of the cloud's `nameOf`; a regular expression for several. */
  call: string | RegExp;
  /** Which of those; absent: all. */
  when?: (asked: Asked) => boolean;
  /** Answered in the cloud's place, which then has not taken the request. Undefined: the cloud answers. */
  answer?: (asked: Asked) => Response | undefined;
  /** Before the cloud takes the request, in milliseconds. */
  lateMs?: number | ((asked: Asked) => number);
  /** Between what the cloud has done and its reply, in milliseconds. */
  replyLateMs?: number;
  /** The cloud has done it, and its reply never comes. */
  losesReply?: boolean;
  /** How many requests it is about; absent: all, until it is ended. */
  times?: number;
}

/** A trouble that was set up: a case has to see that it was met. */
export interface Met {
  /** How many requests it has troubled so far. */
  readonly count: number;
  end(): void;
}

interface Active extends Met {
  trouble: Trouble;
  count: number;
  isOver: boolean;
}

/** What happens to one request. */
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

/** What is to go wrong at one cloud, and what was asked of it. */
export class Script {
  /** Every request that was answered, in order. */
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

  /** Requests of a kind since then. */
  calls(call: string | RegExp, sinceMs = 0): Noted[] {
    return this.noted.filter((one) => one.atMs >= sinceMs && isCall(call, one.call));
  }

  /** What happens to a request that has reached the cloud. */
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
