export const VIOLATION_KINDS = [
  'leaked',
  'duplicated',
  'stuck',
  'limit',
  'record',
  'counter',
  'policy',
  'foreign',
  'lost',
  'bug',
] as const;
export type ViolationKind = (typeof VIOLATION_KINDS)[number];

/** One observed violation of an invariant. */
export interface Violation {
  kind: ViolationKind;
  text: string;
  /**
   * The product file whose call broke the invariant, or that last wrote the item which the text is about.
   * Known only in a run with a trace, and not for every violation.
   */
  module?: string;
}

/** Returns a violation. It names the product file that caused it, if that file is known. */
export const violationBy = (kind: ViolationKind, text: string, module: string | undefined): Violation => ({
  kind,
  text,
  ...(module === undefined ? {} : { module }),
});
