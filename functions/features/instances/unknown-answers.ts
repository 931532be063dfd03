import type { DriverError } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import { shapeOf } from '../../model/word-shape.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';

/**
 * Number of equal answers in a row, over at least LEAST_MS, that count as a refusal by the cloud. Fleetwright
 * compares the texts of the answers, and does not interpret them.
 */
const LEAST_TIMES = 3;
const LEAST_MS = 60_000;
/** Minimum time between an answer and the repeated call, in ms. Applies from the second equal answer on. */
const PAUSE_MS = 15_000;
const LONGEST_WORDS = 1_000;

type Known = InstanceItem['unknownAnswer'];

/** Counts an answer that leaves the outcome unknown. @returns undefined if the cloud gave no answer */
export function countAnswer(
  known: Known,
  { answered, message, tokenIsUsed }: DriverError,
  nowMs: number,
): Known {
  if (!answered) return undefined;
  const used = tokenIsUsed ? { tokenIsUsed } : {};
  const words = message.slice(0, LONGEST_WORDS);
  const isSame = known !== undefined && shapeOf(known.words) === shapeOf(words);
  return isSame
    ? { words, times: known.times + 1, firstAtMs: known.firstAtMs, ...used }
    : { words, times: 1, firstAtMs: nowMs, ...used };
}

/**
 * Returns the minimum time after an answer before the call may be repeated, in ms. The driver's consistency
 * window must have passed, too.
 */
export function pauseAfter(answer: Known): number {
  return answer !== undefined && answer.times > 1 ? PAUSE_MS : 0;
}

/**
 * Returns the failure of an attempt whose calls got the same answer several times and created nothing.
 *
 * @param answer the latest answer; a look-up has proven that its call created nothing
 * @returns undefined if there were too few equal answers, or over too short a time
 */
export function refusalBy(answer: Known, nowMs: number): Failure | undefined {
  if (answer === undefined || answer.times < LEAST_TIMES || nowMs < answer.firstAtMs + LEAST_MS)
    return undefined;
  return { code: 'CloudFailed', message: answer.words };
}

/** Number of attempts of a round whose launch token the cloud may have used up. The next one fails the launch. */
const MOST_USED_TOKENS = 3;

/**
 * Returns what follows when the cloud has used up the launch token of an attempt, and the attempt has no machine: the
 * number of such attempts so far, for the next attempt with another token, or the failure after too many of them.
 *
 * @returns undefined if the same token may be used again
 */
export function afterUsedToken({
  unknownAnswer,
  usedTokens = 0,
}: Pick<InstanceItem, 'unknownAnswer' | 'usedTokens'>):
  | { usedTokens: number }
  | { failure: Failure }
  | undefined {
  if (unknownAnswer?.tokenIsUsed !== true) return undefined;
  if (usedTokens < MOST_USED_TOKENS) return { usedTokens: usedTokens + 1 };
  return { failure: { code: 'CloudFailed', message: unknownAnswer.words } };
}
