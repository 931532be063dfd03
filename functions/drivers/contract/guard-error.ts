import { MAX_PER_SECOND } from '../../model/rate.ts';
import { DriverError } from './errors.ts';
import { boundQuota } from './quota.ts';
import { LONGEST_WAIT_MS } from './retry-after.ts';
import type { Secrets } from './secrets.ts';

export const MAX_MESSAGE = 1_000;
const MAX_CODE = 100;
const MAX_CALL = 300;
/** Minimum of `limitPerSecond`: one call a day. A smaller value is raised to this minimum. */
const MIN_PER_SECOND = 1 / 86_400;

/**
 * Redacts an error before it leaves a driver. An error that is not a DriverError is a defect of the program, and keeps
 * its type.
 */
export function guardError(error: unknown, secrets: Secrets, ofCall: readonly string[] = []): unknown {
  if (!(error instanceof Error)) return error;
  const message = secrets.redact(error.message, MAX_MESSAGE, ofCall);
  const stack = stackOf(error, message);
  if (!(error instanceof DriverError)) {
    // The error object itself is changed, because callers may test for its class.
    return Object.assign(error, { message, stack, cause: undefined });
  }
  const {
    code,
    answered,
    scope,
    holdsForOne,
    tokenIsUsed,
    cloudCode,
    call,
    retryAfterMs,
    limitPerSecond,
    meter,
    quota,
    unknownWords,
  } = error;
  const guarded = new DriverError(code, message, {
    answered,
    scope,
    holdsForOne,
    tokenIsUsed,
    unknownWords,
    ...(quota === undefined ? {} : { quota: boundQuota(quota) }),
    ...(cloudCode === undefined ? {} : { cloudCode: secrets.redact(cloudCode, MAX_CODE, ofCall) }),
    ...(call === undefined ? {} : { call: secrets.redact(call, MAX_CALL, ofCall) }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: within(retryAfterMs, 0, LONGEST_WAIT_MS) }),
    ...(limitPerSecond === undefined
      ? {}
      : { limitPerSecond: within(limitPerSecond, MIN_PER_SECOND, MAX_PER_SECOND) }),
    ...(meter === undefined ? {} : { meter }),
  });
  return Object.assign(guarded, { stack });
}

function within(value: number, min: number, max: number): number {
  return Number.isNaN(value) ? max : Math.min(max, Math.max(min, value));
}

/** Rebuilds the stack, because V8 wrote the message into it before the secrets were removed. */
function stackOf(error: Error, message: string): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [`${error.name}: ${message}`, ...frames].join('\n');
}
