import { isThrottlingError, isTransientError } from '@smithy/core/retry';
import * as z from 'zod';

/** Cancellation reasons of a DynamoDB transaction after which a repetition of the same request may succeed. */
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
/**
 * Matches an error that the service itself caused. Errors that the SDK knows by name have a `$fault`. Other error
 * answers have at least an HTTP status.
 */
const serverFaultSchema = z.union([
  z.object({ $fault: z.literal('server') }),
  z.object({ $metadata: z.object({ httpStatusCode: z.number().min(500) }) }),
]);
const abortedSchema = z.object({ code: z.literal('ECONNABORTED') });

/**
 * Returns true if an error of an AWS service is transient: a throttle, a failure of the service, or no answer. The SDK
 * classifies the error. The error's `cause` is ignored: it may be an error of a cloud that a fleet runs on, which is
 * not an AWS service of this deployment.
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
