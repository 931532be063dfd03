import type { FieldCase } from '../harness/case.ts';
import { quietCases } from './quiet.ts';

/** Every case, in the order of their numbers. */
export const CASES: readonly FieldCase[] = [...quietCases];
