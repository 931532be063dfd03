import type { UsedUp } from './refusals.ts';

/** What becomes of a call's answer: it is given at a time, the connection is cut at a time, or nothing ever comes. */
export type Reply =
  | { kind: 'answer'; atMs: number; status: number; body: object; retryAfterMs?: number; usedUp?: UsedUp }
  | { kind: 'lost'; atMs: number }
  | { kind: 'silent' };
