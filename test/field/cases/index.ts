import type { FieldCase } from '../harness/case.ts';
import { f23 } from './f23-slow-list.ts';
import { f25 } from './f25-unknown-words.ts';
import { f26 } from './f26-answer-says-running.ts';
import { f27 } from './f27-workers-die-with-calls.ts';
import { f29 } from './f29-another-account.ts';
import { quiet } from './quiet.ts';

/** Every case, in the order of their numbers. */
export const CASES: readonly FieldCase[] = [...quiet, ...f23, ...f25, ...f26, ...f27, ...f29];
