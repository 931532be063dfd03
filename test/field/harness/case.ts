import { isDeepStrictEqual } from 'node:util';

/** A trouble that a user met at a cloud, with the behaviour that is right. */
export interface FieldCase {
  /** A number, such as `F8`, with a suffix if there are several variants: `F28-openstack`. */
  id: string;
  /** What must hold, as a whole sentence. */
  title: string;
  /** Plays the case. @throws Error that says what is wrong */
  play(): Promise<void>;
}

/** @param what names the value in the error @throws Error with both values if they are not equal */
export function assertIs(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

/** @throws Error if the trouble of the case was met fewer than `least` times: the case would prove nothing */
export function assertMet(what: string, met: { readonly count: number }, least = 1): void {
  if (met.count < least)
    throw new Error(`the case met its trouble only ${met.count} of ${least} times: ${what}`);
}
