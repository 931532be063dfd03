/**
 * What a cloud can answer: few codes, each handled in one way (ARCHITECTURE.md, error table). Drivers map their cloud's
 * codes to these in one table; nothing outside a driver looks at a cloud's own codes or messages.
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
] as const;

/** `NoPermit` is the gate's, and no cloud's: see `call-gate.ts`. No workflow hears of it, since the work is taken up again. */
export type DriverErrorCode = (typeof DRIVER_ERROR_CODES)[number] | 'NoPermit';

export interface DriverErrorDetail {
  /** The cloud's own code, for the reader of a log. */
  cloudCode?: string;
  /** Whether the message has the cloud's own words: it answered the call. Absent: no answer came, or none of its own. */
  answered?: boolean;
  /** The cloud's name of the call that failed, such as `ec2:RunInstances`; always, where the right to it is missing. */
  call?: string;
  /** How long the cloud asked us to wait, where it did. */
  retryAfterMs?: number;
  /** With `Throttled`: how many calls of this kind the cloud takes in the long run, where it said so. */
  limitPerSecond?: number;
  cause?: unknown;
}

/** The only error that a driver throws. `name` equals the code: Lambda reports it and ASL matches it. */
export class DriverError extends Error {
  readonly code: DriverErrorCode;
  readonly cloudCode: string | undefined;
  readonly answered: boolean;
  readonly call: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly limitPerSecond: number | undefined;

  constructor(code: DriverErrorCode, message: string, detail: DriverErrorDetail = {}) {
    super(message, { cause: detail.cause });
    this.name = code;
    this.code = code;
    this.cloudCode = detail.cloudCode;
    this.answered = detail.answered === true;
    this.call = detail.call;
    this.retryAfterMs = detail.retryAfterMs;
    this.limitPerSecond = detail.limitPerSecond;
  }
}
