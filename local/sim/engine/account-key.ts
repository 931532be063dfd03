import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Derives the API key of an account from the control API's key. The derived key applies if no other key was set for
 * the account. The derived key need not be stored. It reveals neither the control API's key nor the key of another
 * account.
 */
export function accountKey(simKey: string, account: string): string {
  return createHmac('sha256', simKey).update(`account ${account}`).digest('base64url');
}

/** Compares keys in constant time: the duration reveals nothing about the right key. */
export function isSameKey(given: string | undefined, right: string): boolean {
  const digest = (key: string) => createHmac('sha256', 'compare').update(key).digest();
  return given !== undefined && timingSafeEqual(digest(given), digest(right));
}
