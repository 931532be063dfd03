import type { UsedUp } from './refusals.ts';

/**
 * Tells what happens to a call's answer: it is sent at a time, the connection is cut at a time, or no answer ever
 * comes.
 */
export type Reply =
  | { kind: 'answer'; atMs: number; status: number; body: object; retryAfterMs?: number; usedUp?: UsedUp }
  | { kind: 'lost'; atMs: number }
  | { kind: 'silent' };
