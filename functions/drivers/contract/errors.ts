import type { Failure } from '../../model/failure.ts';
import type { RefusedQuota } from './quota.ts';

/**
 * Classifies the errors of all clouds. docs/design/driver-errors.md tells how the product handles each code. Each
 * driver maps its cloud's codes to these codes in one table. Code outside the drivers never examines a cloud's own
 * codes or messages.
 */
export const DRIVER_ERROR_CODES = [
  'InsufficientCapacity',
  'QuotaExceeded',
  'Throttled',
  'Unavailable',
  'OutcomeUnknown',
  'NotFound',
  'Conflict',
  'InvalidRequest',
  'Unsupported',
  'Unauthorized',
  'Forbidden',
] as const;

/**
 * `NoPermit` comes from the call gate, not from a cloud: see `call-gate.ts`. It never reaches a workflow, because the
 * worker repeats the work later.
 */
export type DriverErrorCode = (typeof DRIVER_ERROR_CODES)[number] | 'NoPermit';

/**
 * Tells what else fails for the same reason. `launch`: nothing else. `zone`: launches of the same type in the same zone.
 * `market`: launches in the same market at the location.
 * `site`: further calls of the connection at the location. `connection`: every call of the connection.
 */
export type ErrorScope = 'launch' | 'zone' | 'market' | 'site' | 'connection';

/** Scope of an error whose driver names no narrower one. */
const USUAL_SCOPE: Readonly<Record<DriverErrorCode, ErrorScope>> = {
  InsufficientCapacity: 'zone',
  QuotaExceeded: 'site',
  Throttled: 'site',
  Unavailable: 'site',
  OutcomeUnknown: 'launch',
  NotFound: 'launch',
  Conflict: 'launch',
  InvalidRequest: 'launch',
  Unsupported: 'launch',
  Unauthorized: 'connection',
  Forbidden: 'site',
  NoPermit: 'launch',
};

/** Returns an error as a failure, with the error's scope if the scope is not the usual one of its code. */
export function failureOf({ code, message, scope, quota }: DriverError): Failure {
  return {
    code,
    message,
    ...(scope === USUAL_SCOPE[code] ? {} : { scope }),
    ...(quota === undefined ? {} : { quotaOf: quota.of }),
  };
}

/** What a rate limit of a cloud counts: calls, or the machines that calls are about. */
export type Meter = 'calls' | 'machines';

export interface DriverErrorDetail {
  /** The cloud's own code, for readers of the log. */
  cloudCode?: string;
  /**
   * True if the cloud answered the call, and the message has the cloud's own words. Absent: no answer came, or the
   * message does not have the cloud's words.
   */
  answered?: boolean;
  /**
   * The cloud's name of the call that failed, such as `ec2:RunInstances`. It is always set if the credential lacks the
   * right to the call.
   */
  call?: string;
  /** Time for which the cloud asked the caller to wait, in ms. Absent if the cloud stated no time. */
  retryAfterMs?: number;
  /**
   * With `Throttled`: the number of calls like the refused call that the cloud accepts per second in the long run. With
   * the meter `machines`: the number of machines. Absent if the cloud stated no limit.
   */
  limitPerSecond?: number;
  /** With `Throttled`: what the used-up limit counts. Absent if the cloud does not say it. */
  meter?: Meter;
  /**
   * With `OutcomeUnknown`: true if the cloud will never make a machine for this launch token, because it has used the
   * token up. A machine of the token may exist or have existed.
   */
  tokenIsUsed?: boolean;
  /** Absent: the usual scope of the code. */
  scope?: ErrorScope;
  /**
   * True if a call for several machines was refused, and a call for one machine would be refused as well. Absent: smaller
   * calls may succeed.
   */
  holdsForOne?: boolean;
  /** With `QuotaExceeded`: the quota that refused the call. Absent: the quota of the machine's family. */
  quota?: RefusedQuota;
  /** True if no table of the driver knows the cloud's words, so that a fallback chose the code. */
  unknownWords?: boolean;
  cause?: unknown;
}

/**
 * Reports a failed call with one of the codes. Drivers throw no other error. The error's `name` equals the code: Lambda
 * reports the name, and the state machines match errors by name.
 */
export class DriverError extends Error {
  readonly code: DriverErrorCode;
  readonly cloudCode: string | undefined;
  readonly answered: boolean;
  readonly call: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly limitPerSecond: number | undefined;
  readonly meter: Meter | undefined;
  readonly tokenIsUsed: boolean;
  readonly scope: ErrorScope;
  readonly holdsForOne: boolean;
  readonly quota: RefusedQuota | undefined;
  readonly unknownWords: boolean;

  constructor(code: DriverErrorCode, message: string, detail: DriverErrorDetail = {}) {
    super(message, { cause: detail.cause });
    this.name = code;
    this.code = code;
    this.cloudCode = detail.cloudCode;
    this.answered = detail.answered === true;
    this.call = detail.call;
    this.retryAfterMs = detail.retryAfterMs;
    this.limitPerSecond = detail.limitPerSecond;
    this.meter = detail.meter;
    this.tokenIsUsed = detail.tokenIsUsed === true;
    this.scope = detail.scope ?? USUAL_SCOPE[code];
    this.holdsForOne = detail.holdsForOne === true;
    this.quota = code === 'QuotaExceeded' ? detail.quota : undefined;
    this.unknownWords = detail.unknownWords === true;
  }
}
