import type { Cloud } from '../../model/cloud.ts';
import { DriverError, type DriverErrorCode } from '../contract/errors.ts';
import { type CallEffect, unanswered } from '../contract/no-answer.ts';
import type { RateWords } from '../contract/retry-after.ts';
import { BEYOND_REQUEST_LIMIT, DENIED, REFUSED, REFUSED_BY_SIGN_IN, WRONG_CLOCK } from './denials.ts';
import { findMeaning } from './words/find-meaning.ts';
import type { Meaning } from './words/rule.ts';

/**
 * Maps error messages to codes. CB-Spider has no error codes: nearly every error is a 500 with the message of the
 * cloud's SDK. The tables by cloud in `words` are consulted first; these patterns are for CB-Spider's own messages, and
 * for what clouds have in common. The first pattern that matches decides. If no pattern matches, the outcome of a change
 * is unknown.
 */
const MESSAGES: readonly (readonly [code: DriverErrorCode, pattern: RegExp])[] = [
  ['InvalidRequest', BEYOND_REQUEST_LIMIT],
  [
    'Throttled',
    /throttl|RequestLimitExceeded|too ?many ?requests|rate ?(limit|exceeded)|\bSlowDown\b|flow control/i,
  ],
  [
    'InsufficientCapacity',
    /Insufficient\w*Capacity|out ?of ?(host )?capacity|RESOURCE_POOL_EXHAUSTED|AllocationFailed|SkuNotAvailable|no ?valid ?host|ResourceInsufficient|NoStock|sold ?out|enough resources available/i,
  ],
  ['QuotaExceeded', /quota|LimitExceeded|limit (is |has been |was )?(exceeded|reached)|can have only 1 VPC/i],
  ['Unavailable', WRONG_CLOCK],
  ['Unauthorized', REFUSED],
  ['Forbidden', DENIED],
  ['Unauthorized', REFUSED_BY_SIGN_IN],
  [
    'Conflict',
    /already exists? in connection|DependencyViolation|ResourceInUse|in use\b|being used|IncorrectState|has dependent|OperationNotPermitted|DeletionProtection|is locked\b/i,
  ],
  [
    'InvalidRequest',
    /Invalid\w*\.(NotFound|Malformed)|InvalidParameter|input value is empty|is empty!|unmarshal|not a valid|malformed/i,
  ],
  ['Unsupported', /not supported|unsupported|not implemented/i],
  // The pattern is CB-Spider's own test for "not found" (checkNotFoundError in its common runtime).
  ['NotFound', /does ?not ?exist|not ?exist|not ?found|failed ?to ?find|no ?result/i],
];

const ALREADY_EXISTS = /already exists? in connection/i;

export interface ErrorAnswer {
  status: number;
  message: string;
  /** The call, for example `POST /vm`. */
  call: string;
  rate: RateWords;
  /** The cloud of the connection. Absent: not known. */
  cloud?: Cloud;
}

/** Converts an error answer to a DriverError. */
export function errorOfAnswer(answer: ErrorAnswer, effect: CallEffect): DriverError {
  const { status, message, call, rate } = answer;
  const known = meaningOf(answer);
  const code = known?.code ?? (status >= 500 ? unanswered(effect) : 'InvalidRequest');
  return new DriverError(code, `${message || `CB-Spider answered with status ${status}`}`, {
    answered: true,
    cloudCode: String(status),
    call,
    ...(known?.scope === undefined ? {} : { scope: known.scope }),
    ...(known?.quota === undefined ? {} : { quota: known.quota }),
    unknownWords: known === undefined,
    ...rate,
  });
}

function meaningOf({ status, message, cloud }: ErrorAnswer): Meaning | undefined {
  // CB-Spider, or a gateway in front of it, refused the user name and password.
  if (status === 401) return { code: 'Unauthorized' };
  if (status === 403) return { code: 'Forbidden' };
  if (status === 429) return { code: 'Throttled' };
  if (status !== 500) return undefined;
  const inTable = findMeaning(message, cloud);
  if (inTable) return inTable;
  const code = MESSAGES.find(([, pattern]) => pattern.test(message))?.[0];
  return code && { code };
}

/** Returns true if CB-Spider already has a resource of this name, and therefore made nothing. */
export function saysItExists(error: unknown): boolean {
  return error instanceof DriverError && ALREADY_EXISTS.test(error.message);
}

export function isNotFound(error: unknown): error is DriverError {
  return error instanceof DriverError && error.code === 'NotFound';
}

/**
 * Returns true if the cloud refused the call. In this case CB-Spider had begun to execute the call, and may have left
 * resources at the cloud. A call that CB-Spider itself refuses leaves nothing.
 */
export function isRefusalByCloud(error: unknown): boolean {
  return (
    error instanceof DriverError &&
    error.cloudCode === '500' &&
    error.code !== 'OutcomeUnknown' &&
    !/input value is empty|is empty!|unmarshal|does not exist in connection/i.test(error.message)
  );
}
