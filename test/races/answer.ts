import type { Mark, Move } from './moves.ts';

/**
 * How a request ended. `unknown`: the process of the request ended, or a write timed out. `broken`: the
 * request threw an error that is not an answer of the API.
 */
export type Outcome = 'done' | 'refused' | 'unknown' | 'broken';

export interface Answer extends Mark {
  move: Move;
  outcome: Outcome;
  /** Problem code of a refusal; name and message of any other error. */
  code?: string;
  body?: unknown;
}
