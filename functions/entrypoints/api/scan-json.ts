import { findTextFault } from '../../model/input-text.ts';
import { type FieldError, jsonPointer } from './problem.ts';

/** No body of the contract has more than six levels. */
export const MAX_DEPTH = 32;
/** An answer has an end. */
const MAX_ERRORS = 1_000;
/** What DynamoDB keeps of a number: digits, and the powers of ten between which it has to be. */
const MAX_DIGITS = 38;
const LARGEST = 9.99e125;
const SMALLEST = 1e-130;

/** Names that every object of JavaScript has: as keys of a map they would be taken for what is there already. */
const RESERVED: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype']);

export const isReservedKey = (key: string): boolean => RESERVED.has(key);

/** One object or array that has begun and not ended. */
interface Level {
  /** Undefined: an array. */
  keys: Set<string> | undefined;
  /** The key or the index that is being read. */
  at: string | number;
  expectsKey: boolean;
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9][0-9.eE+-]*|[{}[\],]/g;

/**
 * Finds in a JSON document what `JSON.parse` lets through, and what cannot be kept or would come back as something else:
 * keys that stand there twice or that every object has, text that is none, numbers without end, nesting without end.
 *
 * @param text that `JSON.parse` takes
 * @returns each with its JSON Pointer; nesting ends the search
 */
export function jsonErrors(text: string): FieldError[] {
  const errors: FieldError[] = [];
  const levels: Level[] = [];
  const add = (fault: Fault | undefined) => {
    if (fault) errors.push({ pointer: jsonPointer(levels.map(({ at }) => at)), ...fault });
  };
  for (const [token] of text.matchAll(TOKEN)) {
    if (errors.length >= MAX_ERRORS) break;
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      if (levels.length === MAX_DEPTH) {
        add({ code: 'too-deep', message: `at most ${MAX_DEPTH} levels` });
        break;
      }
      levels.push(
        token === '{'
          ? { keys: new Set(), at: '', expectsKey: true }
          : { keys: undefined, at: 0, expectsKey: false },
      );
    } else if (token === '}' || token === ']') levels.pop();
    else if (token === ',') goOn(level);
    else if (!token.startsWith('"')) add(numberFault(token));
    else if (level?.expectsKey) add(keyFault(level, JSON.parse(token)));
    else add(findTextFault(JSON.parse(token)));
  }
  return errors;
}

type Fault = Omit<FieldError, 'pointer'>;

function goOn(level: Level | undefined): void {
  if (!level) return;
  if (level.keys) level.expectsKey = true;
  else if (typeof level.at === 'number') level.at += 1;
}

function keyFault(level: Level, key: string): Fault | undefined {
  const isTwice = level.keys?.has(key) === true;
  level.keys?.add(key);
  level.at = key;
  level.expectsKey = false;
  if (isTwice) return { code: 'duplicate-key', message: 'stands here twice' };
  if (isReservedKey(key)) return { code: 'invalid-key', message: 'cannot be the name of a field' };
  const fault = findTextFault(key);
  return fault && { code: 'invalid-key', message: `the name of the field ${fault.message}` };
}

function numberFault(token: string): Fault | undefined {
  const digits = /^-?0*([0-9.]*)/.exec(token)?.[1]?.replace('.', '').replace(/^0+/, '') ?? '';
  if (digits.length > MAX_DIGITS) return { code: 'too-precise', message: `at most ${MAX_DIGITS} digits` };
  const size = Math.abs(Number(token));
  const isZero = digits === '';
  if (isZero || (size >= SMALLEST && size <= LARGEST)) return undefined;
  return { code: 'out-of-range', message: 'no number that can be kept' };
}
