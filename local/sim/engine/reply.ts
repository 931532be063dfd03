import type { UsedUp } from './refusals.ts';

/** The reply to a call: an answer that is sent at a time, a connection that is cut at a time, or no answer. */
export type Reply =
  | { kind: 'answer'; atMs: number; status: number; body: object; retryAfterMs?: number; usedUp?: UsedUp }
  | { kind: 'lost'; atMs: number }
  | { kind: 'silent' };
