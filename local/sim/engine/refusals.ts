/** Every error that the clouds answer, with its HTTP status. */
export const REFUSALS = {
  InvalidParameter: 400,
  LaunchTokenUsed: 400,
  TooManyInstances: 400,
  UnknownReservation: 400,
  ReservationMismatch: 400,
  UnsupportedOperation: 400,
  InvalidCredentials: 401,
  AccessDenied: 403,
  AccountRevoked: 403,
  QuotaExceeded: 403,
  UnknownCloud: 404,
  UnknownLocation: 404,
  NotFound: 404,
  ResourceInUse: 409,
  IncorrectState: 409,
  InsufficientCapacity: 409,
  SpotPriceTooLow: 409,
  RateLimited: 429,
  TooManyPendingInstances: 429,
  TooManyPendingLocations: 429,
  InternalError: 500,
  LocationUnavailable: 503,
} as const;
export type RefusalCode = keyof typeof REFUSALS;

/** The rate limit that a refused call exceeded, as reported in the answer. */
export interface UsedUp {
  policy: string;
  perSecond: number;
}

/** Thrown to refuse a call with one of the clouds' errors. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly retryAfterMs: number | undefined;
  readonly usedUp: UsedUp | undefined;

  constructor(code: RefusalCode, message: string, retryAfterMs?: number, usedUp?: UsedUp) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
    this.usedUp = usedUp;
  }

  get status(): number {
    return REFUSALS[this.code];
  }
}
