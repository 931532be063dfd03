import { findTextFault } from '../../model/input-text.ts';
import { type FieldError, jsonPointer } from './problem.ts';

/** Maximum nesting depth of a body. No body of the contract has more than six levels. */
export const MAX_DEPTH = 32;
/** Maximum number of errors that one search returns. The search stops at this number. */
const MAX_ERRORS = 1_000;
/** DynamoDB's limits for the digits and the magnitude of a number. */
const MAX_DIGITS = 38;
const LARGEST = 9.99e125;
const SMALLEST = 1e-130;

/**
 * Names of properties that every JavaScript object inherits. If an object is used as a map, a look-up of such
 * a name finds the inherited property.
 */
const RESERVED: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype']);

export const isReservedKey = (key: string): boolean => RESERVED.has(key);

/** An object or array whose end has not been read yet. */
interface Level {
  /** Keys that have been read. Undefined for an array. */
  keys: Set<string> | undefined;
  /** The key or the index that is being read. */
  at: string | number;
  expectsKey: boolean;
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9][0-9.eE+-]*|[{}[\],]/g;

/**
 * Finds parts of a JSON document that `JSON.parse` accepts, but that cannot be stored unchanged: duplicate
 * and reserved keys, malformed text, numbers beyond the limits of DynamoDB, whole numbers that `JSON.parse` rounds,
 * negative zero, and nesting that is too deep.
 *
 * @param text JSON that `JSON.parse` accepts
 * @returns each error with its JSON Pointer; the search ends at nesting that is too deep
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
        add({ code: 'too-deep', message: `must be nested at most ${MAX_DEPTH} levels deep` });
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
  if (isTwice) return { code: 'duplicate-key', message: 'must appear only once in its object' };
  if (isReservedKey(key))
    return { code: 'invalid-key', message: 'is reserved and cannot be the name of a field' };
  const fault = findTextFault(key);
  return fault && { code: 'invalid-key', message: `the name of the field ${fault.message}` };
}

function numberFault(token: string): Fault | undefined {
  if (Object.is(Number(token), -0)) return { code: 'out-of-range', message: 'must not be negative zero' };
  const digits = /^-?0*([0-9.]*)/.exec(token)?.[1]?.replace('.', '').replace(/^0+/, '') ?? '';
  if (digits.length > MAX_DIGITS)
    return { code: 'too-precise', message: `must have at most ${MAX_DIGITS} digits` };
  if (/^-?[0-9]+$/.test(token) && BigInt(token) !== BigInt(Number(token)))
    return {
      code: 'too-precise',
      message: 'must be a whole number that a 64-bit floating-point number holds',
    };
  const size = Math.abs(Number(token));
  const isZero = digits === '';
  if (isZero || (size >= SMALLEST && size <= LARGEST)) return undefined;
  return { code: 'out-of-range', message: `must be 0, or from ${SMALLEST} to ${LARGEST} in magnitude` };
}
