import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The API key that simulated clouds take from an account that was given none: it follows from the key of their control
 * API, so that it need not be kept, and knowing it tells neither that key nor another account's.
 */
export function accountKey(simKey: string, account: string): string {
  return createHmac('sha256', simKey).update(`account ${account}`).digest('base64url');
}

/** Compares keys in a time that tells nothing about the right one. */
export function isSameKey(given: string | undefined, right: string): boolean {
  const digest = (key: string) => createHmac('sha256', 'compare').update(key).digest();
  return given !== undefined && timingSafeEqual(digest(given), digest(right));
}
