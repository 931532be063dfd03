import { DriverError, type DriverErrorCode } from '../contract/errors.ts';
import { type CallEffect, unanswered } from '../contract/no-answer.ts';
import { figureOf, type RefusedQuota } from '../contract/quota.ts';
import type { RateWords } from '../contract/retry-after.ts';

/** A call asked for more machines than the cloud makes in one call. */
const TOO_MANY = 'TooManyInstances';

/**
 * Maps the simulated clouds' error codes. InternalError is absent, because it does not tell what the cloud did before
 * it failed. For this error, the HTTP status decides.
 */
const CODES: ReadonlyMap<string, DriverErrorCode> = new Map(
  Object.entries({
    InvalidParameter: 'InvalidRequest',
    UnknownCloud: 'InvalidRequest',
    UnknownLocation: 'InvalidRequest',
    InvalidCredentials: 'Unauthorized',
    AccessDenied: 'Forbidden',
    AccountRevoked: 'Unauthorized',
    QuotaExceeded: 'QuotaExceeded',
    // Smaller calls follow.
    [TOO_MANY]: 'QuotaExceeded',
    InsufficientCapacity: 'InsufficientCapacity',
    SpotPriceTooLow: 'InsufficientCapacity',
    UnknownReservation: 'InvalidRequest',
    ReservationMismatch: 'Unsupported',
    UnsupportedOperation: 'Unsupported',
    NotFound: 'NotFound',
    ResourceInUse: 'Conflict',
    IncorrectState: 'Conflict',
    RateLimited: 'Throttled',
    TooManyPendingInstances: 'Throttled',
    TooManyPendingLocations: 'Throttled',
    LocationUnavailable: 'Unavailable',
  } as const),
);

export interface ErrorAnswer {
  status: number;
  code: string | undefined;
  message: string | undefined;
  rate: RateWords;
  call: string;
}

/** Converts an error answer to a DriverError. */
export function errorOfAnswer(
  { status, code, message, rate, call }: ErrorAnswer,
  effect: CallEffect,
): DriverError {
  // A machine with this launch token existed. Only a look-up tells whether the attempt still has a machine.
  const tokenIsUsed = code === 'LaunchTokenUsed';
  const known = tokenIsUsed ? unanswered(effect) : code === undefined ? undefined : CODES.get(code);
  const quota = known === 'QuotaExceeded' ? quotaOf(message ?? '', call) : undefined;
  return new DriverError(
    known ?? codeOfStatus(status, effect),
    message ?? `the cloud answered with status ${status}`,
    {
      answered: true,
      tokenIsUsed,
      call,
      ...(code === undefined ? {} : { cloudCode: code }),
      ...(quota === undefined ? {} : { quota }),
      // The same launch outside of the reservation may succeed.
      ...(code === 'UnknownReservation' ? { scope: 'market' } : {}),
      ...(code === TOO_MANY ? { scope: 'launch' } : {}),
      // A cloud makes as many machines of a call as it has room for. A refusal means that it has no room for one.
      holdsForOne: code !== TOO_MANY && (known === 'QuotaExceeded' || known === 'InsufficientCapacity'),
      unknownWords: known === undefined && code !== undefined && code !== 'InternalError',
      ...rate,
    },
  );
}

/**
 * Returns what a quota is about. The simulated clouds limit the instances and vCPUs at a location. A fault of kind
 * `quota` can refuse network resources, too.
 */
function quotaOf(message: string, call: string): RefusedQuota | undefined {
  if (/^POST (networks|security-groups|key-pairs)\b/.test(call)) return { of: 'networks' };
  const ofSpot = figureOf(/^the quota of \S+ is ([0-9]+) spot instances/.exec(message)?.[1]);
  if (ofSpot !== undefined) return { of: 'spot', limit: ofSpot };
  const ofVcpus = figureOf(/^the quota of \S+ is ([0-9]+) vCPUs/.exec(message)?.[1]);
  if (ofVcpus !== undefined) return { of: 'vcpus', limit: ofVcpus };
  const limit = figureOf(/^the quota of \S+ is ([0-9]+) instances/.exec(message)?.[1]);
  return limit === undefined ? undefined : { of: 'instances', limit };
}

/**
 * Classifies an answer without a known code by its status. Such an answer may come from another server, for
 * example a proxy.
 */
function codeOfStatus(status: number, effect: CallEffect): DriverErrorCode {
  if (status === 429) return 'Throttled';
  if (status === 401) return 'Unauthorized';
  if (status === 403) return 'Forbidden';
  return status >= 500 ? unanswered(effect) : 'InvalidRequest';
}
