import { DriverError, type DriverErrorCode } from '../contract/errors.ts';
import { type CallEffect, unanswered } from '../contract/no-answer.ts';
import type { RateWords } from '../contract/retry-after.ts';

/**
 * CB-Spider has no codes: nearly every error is a 500 whose message is that of the cloud's SDK. So this is the one
 * driver that has to look at messages. The first row that matches decides; what matches none is of unknown outcome.
 * The rows are CB-Spider's own words, and the codes that the clouds' SDKs put into theirs.
 */
const MESSAGES: readonly (readonly [code: DriverErrorCode, pattern: RegExp])[] = [
  [
    'Throttled',
    /throttl|RequestLimitExceeded|too ?many ?requests|rate ?(limit|exceeded)|\bSlowDown\b|flow control/i,
  ],
  [
    'InsufficientCapacity',
    /Insufficient\w*Capacity|out ?of ?(host )?capacity|RESOURCE_POOL_EXHAUSTED|AllocationFailed|SkuNotAvailable|no ?valid ?host|ResourceInsufficient|NoStock|sold ?out|enough resources available/i,
  ],
  ['QuotaExceeded', /quota|LimitExceeded|limit (is |has been |was )?(exceeded|reached)|can have only 1 VPC/i],
  [
    'Unauthorized',
    /unauthori[sz]ed|AuthFailure|(Authori[sz]ation|Authentication) ?Failed|not ?(authori[sz]ed|authenticated)|(access|permission)[ _]?denied|forbidden|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|Expired ?Token|RequestExpired|invalid_(grant|client)|AADSTS[0-9]+|requires? authentication|authentication required|API key could not be found/i,
  ],
  [
    'Conflict',
    /already exists? in connection|DependencyViolation|ResourceInUse|in use\b|being used|IncorrectState|has dependent/i,
  ],
  [
    'InvalidRequest',
    /Invalid\w*\.(NotFound|Malformed)|InvalidParameter|input value is empty|is empty!|unmarshal|not a valid|malformed/i,
  ],
  ['Unsupported', /not supported|unsupported|not implemented/i],
  // As CB-Spider itself tells it (checkNotFoundError in its common runtime).
  ['NotFound', /does ?not ?exist|not ?exist|not ?found|failed ?to ?find|no ?result/i],
];

const ALREADY_EXISTS = /already exists? in connection/i;

export interface ErrorAnswer {
  status: number;
  message: string;
  /** Such as `POST /vm`. */
  call: string;
  rate: RateWords;
}

/** What an error answer means. */
export function errorOfAnswer({ status, message, call, rate }: ErrorAnswer, effect: CallEffect): DriverError {
  return new DriverError(codeOf(status, message, effect), `${message || `CB-Spider answered ${status}`}`, {
    answered: true,
    cloudCode: String(status),
    call,
    ...rate,
  });
}

function codeOf(status: number, message: string, effect: CallEffect): DriverErrorCode {
  // CB-Spider's own refusal of its user and password, or that of a gateway before it.
  if (status === 401 || status === 403) return 'Unauthorized';
  if (status === 429) return 'Throttled';
  const known = status === 500 ? MESSAGES.find(([, pattern]) => pattern.test(message)) : undefined;
  if (known) return known[0];
  return status >= 500 ? unanswered(effect) : 'InvalidRequest';
}

/** Whether CB-Spider has this name already, and so made nothing. */
export function saysItExists(error: unknown): boolean {
  return error instanceof DriverError && ALREADY_EXISTS.test(error.message);
}

export function isNotFound(error: unknown): error is DriverError {
  return error instanceof DriverError && error.code === 'NotFound';
}

/** Refusals that come from the cloud itself, after CB-Spider has begun. Its own come before. */
export function isRefusalByCloud(error: unknown): boolean {
  return (
    error instanceof DriverError &&
    error.cloudCode === '500' &&
    error.code !== 'OutcomeUnknown' &&
    !/input value is empty|is empty!|unmarshal|does not exist in connection/i.test(error.message)
  );
}
