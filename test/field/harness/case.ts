/** What went wrong once at a user's cloud, with what is right. */
export interface FieldCase {
  /** Its number, such as `F8`, and a letter where there are several of a kind: `F28-openstack`. */
  id: string;
  /** What has to be so, as a whole sentence. */
  title: string;
  /** Plays it. @throws Error that says what is not as it should be */
  play(): Promise<void>;
}

/** @throws Error unless a trouble that the case is about was met: a case must not pass without it */
export function assertMet(what: string, met: { readonly count: number }, least = 1): void {
  if (met.count < least)
    throw new Error(`the case did not meet its trouble: ${what} (${met.count} of ${least})`);
}
