import {
  ConditionalCheckFailedException,
  InternalServerError,
  ProvisionedThroughputExceededException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { isTransient } from '../../../../functions/platform/runtime/transient.ts';

const META = { message: 'told by a test', $metadata: {} };
const named = (name: string) => Object.assign(new Error('told by a test'), { name });
const coded = (code: string) => Object.assign(new Error('told by a test'), { code });
const answered = (httpStatusCode: number) =>
  Object.assign(new Error('told by a test'), { $metadata: { httpStatusCode } });
const cancelled = (...codes: (string | undefined)[]) =>
  new TransactionCanceledException({
    ...META,
    CancellationReasons: codes.map((Code) => (Code === undefined ? {} : { Code })),
  });

describe('a transient error', () => {
  it.each([
    new ProvisionedThroughputExceededException(META),
    new InternalServerError(META),
    named('ThrottlingException'),
    named('RequestLimitExceeded'),
    named('ServiceUnavailable'),
    named('TimeoutError'),
    coded('ECONNREFUSED'),
    coded('ECONNRESET'),
    answered(429),
    answered(503),
    cancelled('ThrottlingError'),
    cancelled('None', 'TransactionConflict', undefined),
  ])('isTransient is true for $name: %o', (error) => expect(isTransient(error)).toBe(true));
});

describe('an error that is not transient', () => {
  it.each([
    new ConditionalCheckFailedException(META),
    new TypeError('x is not a function'),
    named('ValidationException'),
    named('AccessDeniedException'),
    named('ResourceNotFoundException'),
    answered(400),
    cancelled(),
    cancelled('None'),
    cancelled('ThrottlingError', 'ConditionalCheckFailed'),
    cancelled('ValidationError'),
    new DriverError('Unavailable', 'a cloud of a user', { cause: coded('ECONNREFUSED') }),
    'ThrottlingException',
    undefined,
  ])('isTransient is false for %o', (error) => expect(isTransient(error)).toBe(false));
});
