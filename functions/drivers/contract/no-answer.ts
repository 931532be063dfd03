import { DriverError, type DriverErrorCode, type DriverErrorDetail } from './errors.ts';

/** Whether a call can change anything at the cloud: only then can its outcome be unknown. */
export type CallEffect = 'reads' | 'changes';

/** Failures of the network that happen before a request is sent. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** What it means that `fetch` has no answer, or none that can be read. */
export function errorOfFailure(cause: unknown, effect: CallEffect): DriverError {
  const code = networkCode(cause);
  const detail: DriverErrorDetail = { cause, ...(code === undefined ? {} : { cloudCode: code }) };
  if (code !== undefined && NOT_SENT.has(code)) {
    return new DriverError('Unavailable', `the cloud cannot be reached: ${code}`, detail);
  }
  const why = code ?? (cause instanceof Error ? cause.name : 'no answer');
  return new DriverError(unanswered(effect), `no answer from the cloud: ${why}`, detail);
}

/** Nobody can tell whether the cloud did what it was asked. */
export function unanswered(effect: CallEffect): DriverErrorCode {
  return effect === 'changes' ? 'OutcomeUnknown' : 'Unavailable';
}

/** fetch throws a TypeError whose cause carries the code of the socket's error. */
function networkCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return undefined;
}
