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

/** Something that must never be and was. */
export interface Violation {
  kind: ViolationKind;
  text: string;
}
