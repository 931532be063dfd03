import type { DriverError } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';

/** So many equal answers in a row, over such a time, are a refusal, in whatever words. */
const LEAST_TIMES = 3;
const LEAST_MS = 60_000;
/** From the second equal answer on, the call is made again so long after it at the earliest. */
const PAUSE_MS = 15_000;
const LONGEST_WORDS = 1_000;
/** Clouds put request ids, times and numbers into their words, which differ each time. */
const VARYING = /[0-9a-f]{8}(-?[0-9a-f]{4,12})*|[0-9]+/gi;

type Known = InstanceItem['unknownAnswer'];

/** Counts an answer whose outcome is unknown. @returns undefined where the cloud gave none: then nothing is counted */
export function countAnswer(known: Known, { answered, message }: DriverError, nowMs: number): Known {
  if (!answered) return undefined;
  const words = message.slice(0, LONGEST_WORDS);
  const isSame = known !== undefined && shapeOf(known.words) === shapeOf(words);
  return isSame
    ? { words, times: known.times + 1, firstAtMs: known.firstAtMs }
    : { words, times: 1, firstAtMs: nowMs };
}

/** How long after an answer nothing is to be asked again, beside the driver's consistency window; in milliseconds. */
export function pauseAfter(answer: Known): number {
  return answer !== undefined && answer.times > 1 ? PAUSE_MS : 0;
}

/**
 * Why an attempt has failed that the cloud answers the same again and again, each time without having made anything.
 *
 * @param answer the latest, which a look-up has proven to have made nothing
 */
export function refusalBy(answer: Known, nowMs: number): Failure | undefined {
  if (answer === undefined || answer.times < LEAST_TIMES || nowMs < answer.firstAtMs + LEAST_MS)
    return undefined;
  return { code: 'CloudFailed', message: answer.words };
}

const shapeOf = (words: string): string => words.replaceAll(VARYING, '#');
