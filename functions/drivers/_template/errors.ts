import { DriverError, type DriverErrorCode } from '../contract/errors.ts';
import { type CallEffect, unanswered } from '../contract/no-answer.ts';
import type { RateWords } from '../contract/retry-after.ts';

/** Maps the cloud's own error codes. For any other code, the HTTP status decides. */
const CODES: ReadonlyMap<string, DriverErrorCode> = new Map([
  ['invalid_parameter', 'InvalidRequest'],
  ['unknown_region', 'InvalidRequest'],
  ['unknown_size', 'InvalidRequest'],
  ['unknown_image', 'InvalidRequest'],
  ['not_supported', 'Unsupported'],
  ['invalid_token', 'Unauthorized'],
  ['forbidden', 'Forbidden'],
  ['not_found', 'NotFound'],
  ['name_taken', 'Conflict'],
  ['in_use', 'Conflict'],
  ['wrong_state', 'Conflict'],
  ['no_capacity', 'InsufficientCapacity'],
  ['quota_exceeded', 'QuotaExceeded'],
  ['rate_limited', 'Throttled'],
  ['maintenance', 'Unavailable'],
]);

export interface Refusal {
  status: number;
  code: string | undefined;
  message: string | undefined;
  rate: RateWords;
  /** The call, as the cloud's documentation names it. */
  call: string;
}

/** Converts an answer other than a 2xx to a DriverError. */
export function errorOfAnswer(
  { status, code, message, rate, call }: Refusal,
  effect: CallEffect,
): DriverError {
  const meaning = (code === undefined ? undefined : CODES.get(code)) ?? codeOfStatus(status, effect);
  return new DriverError(meaning, `${call}: ${message ?? `the cloud answered with status ${status}`}`, {
    answered: true,
    call,
    ...(code === undefined ? {} : { cloudCode: code }),
    ...rate,
  });
}

/** Classifies an answer by its status. A 5xx does not tell what the cloud did before it failed. */
function codeOfStatus(status: number, effect: CallEffect): DriverErrorCode {
  if (status === 429) return 'Throttled';
  if (status === 401) return 'Unauthorized';
  if (status === 403) return 'Forbidden';
  return status >= 500 ? unanswered(effect) : 'InvalidRequest';
}
