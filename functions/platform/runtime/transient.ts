import { isThrottlingError, isTransientError } from '@smithy/core/retry';
import { z } from 'zod';

/** Reasons of a cancelled DynamoDB transaction after which the same request may succeed when it is repeated. */
export const TRANSIENT_REASONS: ReadonlySet<string> = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);

/** Names of transient errors of AWS services that the SDK's classification leaves out. */
const OTHER_NAMES: ReadonlySet<string> = new Set([
  'InternalError',
  'InternalFailure',
  'KmsThrottled',
  'OverLimit',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'TransactionConflictException',
]);

/** The error of a cancelled transaction. DynamoDB gives one reason for each item, in the order of the items. */
const cancelledSchema = z.object({
  name: z.literal('TransactionCanceledException'),
  CancellationReasons: z.array(z.object({ Code: z.string().default('None') })).default([]),
});
/** Matches a failure of the service. The SDK's modelled errors have a `$fault`, and every error has an HTTP status. */
const serverFaultSchema = z.union([
  z.object({ $fault: z.literal('server') }),
  z.object({ $metadata: z.object({ httpStatusCode: z.number().min(500) }) }),
]);
const abortedSchema = z.object({ code: z.literal('ECONNABORTED') });

/**
 * Returns true if an error of an AWS service is transient: a throttle, a failure of the service, or no answer. The SDK
 * classifies the error. The error's cause is ignored, because it may come from a fleet's cloud, whose failures a
 * `DriverError` describes.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const cancelled = cancelledSchema.safeParse(error).data;
  if (cancelled) {
    const codes = cancelled.CancellationReasons.map(({ Code }) => Code).filter((code) => code !== 'None');
    return codes.length > 0 && codes.every((code) => TRANSIENT_REASONS.has(code));
  }
  const own: Omit<Error, 'cause'> = { ...error, name: error.name, message: error.message };
  return (
    isThrottlingError(own) ||
    isTransientError(own) ||
    OTHER_NAMES.has(error.name) ||
    serverFaultSchema.safeParse(error).success ||
    abortedSchema.safeParse(error).success
  );
}
