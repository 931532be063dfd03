/**
 * Headers of every answer. No cache may keep an answer, because each answer depends on the caller, and some contain a
 * secret. Browsers must not guess the type of an answer, show it in a frame, or load it as a page with scripts.
 */
export const ANSWER_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
