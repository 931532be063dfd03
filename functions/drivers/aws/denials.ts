import type { ErrorScope } from '../contract/errors.ts';

/** Codes with which AWS refuses the credential itself, or closes its account. Every call of the connection fails. */
export const UNAUTHORIZED_CODES: readonly string[] = [
  'AccountDisabled',
  // One region answers with this code if the region is not enabled for the account. `HomeIdentity` tells the two apart.
  'AuthFailure',
  'Blocked',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
];

/** The account has no role for spot machines, and the credential may not make it. */
const NO_SPOT_ROLE = 'AuthFailure.ServiceLinkedRoleCreationNotPermitted';

/** Codes with which AWS denies a call to a credential that it accepts. */
export const FORBIDDEN_CODES: readonly string[] = [
  'AccessDenied',
  'AccessDeniedException',
  NO_SPOT_ROLE,
  'CustomerKeyHasBeenRevoked',
  'NotAuthorized',
  'OptInRequired',
  'PendingVerification',
  'RegionDisabledException',
  'SubscriptionRequiredException',
  'UnauthorizedException',
  'UnauthorizedOperation',
];

/**
 * Codes for a request whose time differs by more than 15 minutes from AWS's time. The credential is right, and the
 * request had no effect.
 */
const CLOCK_CODES: ReadonlySet<string> = new Set([
  'InvalidSecurity.RequestHasExpired',
  'RequestExpired',
  'RequestInTheFuture',
  'RequestTimeTooSkewed',
]);

/** AWS sends the code of a wrong signature for a wrong time, too. Only the message tells them apart. */
const CLOCK_WORDS = /signature (has )?expired|signature not yet current/i;

/** Returns true if AWS refused a request because of the time at which the request was signed. */
export function isClockRefusal(code: string, message: string): boolean {
  return CLOCK_CODES.has(code) || CLOCK_WORDS.test(message);
}

export const CLOCK_HINT =
  'the clock of this deployment and the clock of AWS differ by more than 15 minutes, or the request was sent long after it was signed';

/** Messages about one image, snapshot, product or key. The same call with another request may succeed. */
const OF_ONE_REQUEST =
  /not authorized for (the )?(images?|snapshots?|products?)|marketplace|accept (the )?terms|restricted resource/i;

/** Returns what else AWS denies for the same reason. */
export function scopeOfDenial(code: string, message: string): ErrorScope {
  if (code === NO_SPOT_ROLE) return 'market';
  return code === 'CustomerKeyHasBeenRevoked' || OF_ONE_REQUEST.test(message) ? 'launch' : 'site';
}

/** Returns true if the credential is of no use after this denial: STS refuses to assume its role or to name its account. */
export const isDenialOfIdentity = (call: string): boolean => call.startsWith('sts:');
