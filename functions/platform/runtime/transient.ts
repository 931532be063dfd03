import { isThrottlingError, isTransientError } from '@smithy/core/retry';
import { z } from 'zod';

/** Why DynamoDB cancels a transaction that the same request, sent again, may well carry out. */
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

/** DynamoDB gives a reason for each item, in their order. */
const cancelledSchema = z.object({
  name: z.literal('TransactionCanceledException'),
  CancellationReasons: z.array(z.object({ Code: z.string().default('None') })).default([]),
});
/** What tells a failure on the service's side: the fault of a modelled error, or the status of any. */
const serverFaultSchema = z.union([
  z.object({ $fault: z.literal('server') }),
  z.object({ $metadata: z.object({ httpStatusCode: z.number().min(500) }) }),
]);
const abortedSchema = z.object({ code: z.literal('ECONNABORTED') });

/**
 * Tells whether an error is transient: a throttle, a failure of an AWS service, or no answer of it. The SDK's
 * classification decides, without the error's cause: whether a cloud of a fleet is down is for `DriverError` to say.
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
