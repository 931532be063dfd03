/** What becomes of a call's answer: it is given at a time, the connection is cut at a time, or nothing ever comes. */
export type Reply =
  | { kind: 'answer'; atMs: number; status: number; body: object; retryAfterMs?: number }
  | { kind: 'lost'; atMs: number }
  | { kind: 'silent' };
