import { z } from 'zod';

/** Why DynamoDB cancels a transaction that the same request, sent again, may well carry out. */
export const TRANSIENT_REASONS: ReadonlySet<string> = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);

/** What the services of AWS that we stand on call a load, a race or a failure of theirs, and the SDK a lost answer. */
const TRANSIENT_NAMES: ReadonlySet<string> = new Set([
  'InternalError',
  'InternalException',
  'InternalFailure',
  'InternalServerError',
  'InternalServiceError',
  'KmsThrottled',
  'OverLimit',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestTimeout',
  'RequestTimeoutException',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TimeoutError',
  'TooManyRequestsException',
  'TransactionConflictException',
  'TransactionInProgressException',
]);

/** Node.js's codes of connections that were not made, or broke. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

const TOO_MANY_REQUESTS = 429;
const SERVER_ERROR = 500;

/** DynamoDB gives a reason for each item, in their order. */
const cancelledSchema = z.object({
  name: z.literal('TransactionCanceledException'),
  CancellationReasons: z.array(z.object({ Code: z.string().default('None') })).default([]),
});
/** What errors of the SDK and of connections may say beside their name. */
const serviceErrorSchema = z.object({
  code: z.string().optional().catch(undefined),
  $metadata: z
    .object({ httpStatusCode: z.number().optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

/**
 * Whether an error is one that a service of AWS is over some time soon, whatever was asked of it: a throttle, a
 * failure on its side, no answer. Of clouds that are called for a fleet, their drivers' errors tell (`DriverError`).
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const cancelled = cancelledSchema.safeParse(error).data;
  if (cancelled) {
    const codes = cancelled.CancellationReasons.map(({ Code }) => Code).filter((code) => code !== 'None');
    return codes.length > 0 && codes.every((code) => TRANSIENT_REASONS.has(code));
  }
  if (TRANSIENT_NAMES.has(error.name)) return true;
  const { code, $metadata } = serviceErrorSchema.parse(error);
  if (code !== undefined && TRANSIENT_CODES.has(code)) return true;
  const status = $metadata?.httpStatusCode ?? 0;
  return status === TOO_MANY_REQUESTS || status >= SERVER_ERROR;
}
