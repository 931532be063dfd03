import type { UsedUp } from './refusals.ts';

/**
 * The reply to a call. `answer`: the answer is sent at `atMs`. `lost`: the connection is cut at `atMs`. `silent`: the
 * call is never answered.
 */
export type Reply =
  | { kind: 'answer'; atMs: number; status: number; body: object; retryAfterMs?: number; usedUp?: UsedUp }
  | { kind: 'lost'; atMs: number }
  | { kind: 'silent' };
