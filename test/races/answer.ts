import type { Mark, Move } from './moves.ts';

/** What one request came to. `unknown`: its process ended, or a service of AWS failed it. */
export type Outcome = 'done' | 'refused' | 'unknown' | 'broken';

export interface Answer extends Mark {
  move: Move;
  outcome: Outcome;
  /** Of a refusal; the error's text, where one came that no user is to see. */
  code?: string;
  body?: unknown;
}
