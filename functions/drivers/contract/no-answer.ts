import { DriverError, type DriverErrorCode, type DriverErrorDetail } from './errors.ts';
import { ADDRESS_REFUSED, CONNECT_TIMEOUT } from './outgoing-connections.ts';

/** The effect of a call. Only a call that can change something at the cloud can have an unknown outcome. */
export type CallEffect = 'reads' | 'changes';

/** Network failures that happen before a request is sent. */
export const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  ADDRESS_REFUSED,
  CONNECT_TIMEOUT,
]);

/** Classifies the failure of a request: no answer came, or the answer cannot be read. */
export function errorOfFailure(cause: unknown, effect: CallEffect): DriverError {
  const code = networkCode(cause);
  const detail: DriverErrorDetail = { cause, ...(code === undefined ? {} : { cloudCode: code }) };
  if (code !== undefined && NOT_SENT.has(code)) {
    return new DriverError('Unavailable', `the cloud cannot be reached: ${whyNotSent(code, cause)}`, detail);
  }
  const why = code ?? (cause instanceof Error ? cause.name : 'unknown error');
  return new DriverError(unanswered(effect), `the cloud did not answer: ${why}`, detail);
}

/** Returns why a request was not sent. Only the text about a refused address is for users. */
export function whyNotSent(code: string, cause: unknown): string {
  return code === ADDRESS_REFUSED && cause instanceof Error ? cause.message : code;
}

/** Returns the code for a request without an answer. After a change, the outcome is unknown. */
export function unanswered(effect: CallEffect): DriverErrorCode {
  return effect === 'changes' ? 'OutcomeUnknown' : 'Unavailable';
}

/** Returns the code of the socket's error, which may be the `cause` of the error. */
function networkCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return undefined;
}
