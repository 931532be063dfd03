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

/** One observed breach of an invariant. */
export interface Violation {
  kind: ViolationKind;
  text: string;
}
