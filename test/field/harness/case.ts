import { isDeepStrictEqual } from 'node:util';

/** A problem that a user had at a cloud, and the right behaviour. */
export interface FieldCase {
  /** A number, such as `F8`, with a suffix if there are several variants: `F28-openstack`. */
  id: string;
  /** What must hold, as a complete sentence. */
  title: string;
  /** Plays the case. @throws Error that says what went wrong */
  play(): Promise<void>;
}

/**
 * Checks that two values are equal.
 *
 * @param what name of the value in the error
 * @throws Error with both values if they differ
 */
export function assertIs(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

/**
 * Checks that requests were hit by the fault of the case.
 *
 * @throws Error if fewer than `least` requests were hit: the case would then prove nothing
 */
export function assertMet(what: string, met: { readonly count: number }, least = 1): void {
  if (met.count < least)
    throw new Error(`the fault hit only ${met.count} requests, but must hit at least ${least}: ${what}`);
}
