import type { DriverError } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';

/**
 * This many equal answers in a row, over at least this time, count as a refusal. Their text does not matter.
 */
const LEAST_TIMES = 3;
const LEAST_MS = 60_000;
/** From the second equal answer on, the call is repeated after at least this time. */
const PAUSE_MS = 15_000;
const LONGEST_WORDS = 1_000;
/**
 * Request ids, times and numbers in a cloud's message differ each time. They are ignored when messages are compared.
 */
const VARYING = /[0-9a-f]{8}(-?[0-9a-f]{4,12})*|[0-9]+/gi;

type Known = InstanceItem['unknownAnswer'];

/**
 * Counts an answer that leaves the outcome unknown. @returns undefined where the cloud gave no answer: nothing is
 * counted
 */
export function countAnswer(known: Known, { answered, message }: DriverError, nowMs: number): Known {
  if (!answered) return undefined;
  const words = message.slice(0, LONGEST_WORDS);
  const isSame = known !== undefined && shapeOf(known.words) === shapeOf(words);
  return isSame
    ? { words, times: known.times + 1, firstAtMs: known.firstAtMs }
    : { words, times: 1, firstAtMs: nowMs };
}

/**
 * Returns for how long after an answer the call must not be repeated, in addition to the driver's consistency window;
 * in milliseconds.
 */
export function pauseAfter(answer: Known): number {
  return answer !== undefined && answer.times > 1 ? PAUSE_MS : 0;
}

/**
 * Returns the failure of an attempt whose calls got the same answer several times and created nothing; undefined while
 * there were too few answers.
 *
 * @param answer the latest answer; a look-up has proven that its call created nothing
 */
export function refusalBy(answer: Known, nowMs: number): Failure | undefined {
  if (answer === undefined || answer.times < LEAST_TIMES || nowMs < answer.firstAtMs + LEAST_MS)
    return undefined;
  return { code: 'CloudFailed', message: answer.words };
}

const shapeOf = (words: string): string => words.replaceAll(VARYING, '#');
