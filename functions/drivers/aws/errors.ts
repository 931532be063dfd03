import { z } from 'zod';
import { DRIVER_ERROR_CODES, DriverError, type DriverErrorCode } from '../contract/errors.ts';
import { readRate } from '../contract/retry-after.ts';

/** Whether a call can change anything at the cloud: only then can its outcome be unknown. */
export type CallEffect = 'reads' | 'changes';

/** EC2's and STS's error codes by what they mean. EC2 gives several of them, capacity among them, with status 500. */
const CODES: Readonly<Partial<Record<DriverErrorCode, readonly string[]>>> = {
  Throttled: [
    'ConcurrentTagAccess',
    'EC2ThrottledException',
    'RequestLimitExceeded',
    'RequestThrottled',
    'SlowDown',
    'Throttling',
    'ThrottlingException',
    'TooManyRequestsException',
  ],
  InsufficientCapacity: [
    'InsufficientCapacity',
    'InsufficientCapacityOnHost',
    'InsufficientFreeAddressesInSubnet',
    'InsufficientHostCapacity',
    'InsufficientInstanceCapacity',
    'InsufficientReservedInstanceCapacity',
    'InsufficientVolumeCapacity',
    'SpotMaxPriceTooLow',
  ],
  QuotaExceeded: [
    'AddressLimitExceeded',
    'InstanceLimitExceeded',
    'InternetGatewayLimitExceeded',
    'LaunchTemplateLimitExceeded',
    'MaxSpotInstanceCountExceeded',
    'NetworkInterfaceLimitExceeded',
    'ResourceLimitExceeded',
    'RouteLimitExceeded',
    'RulesPerSecurityGroupLimitExceeded',
    'SecurityGroupLimitExceeded',
    'SecurityGroupsPerInstanceLimitExceeded',
    'SubnetLimitExceeded',
    'VcpuLimitExceeded',
    'VolumeLimitExceeded',
    'VpcLimitExceeded',
  ],
  Unauthorized: [
    'AccessDenied',
    'AccessDeniedException',
    'AuthFailure',
    'Blocked',
    'ExpiredToken',
    'ExpiredTokenException',
    'IncompleteSignature',
    'InvalidClientTokenId',
    'InvalidSignatureException',
    'MissingAuthenticationToken',
    'NotAuthorized',
    'OptInRequired',
    'PendingVerification',
    'RegionDisabledException',
    'RequestExpired',
    'SignatureDoesNotMatch',
    'UnauthorizedOperation',
    'UnrecognizedClientException',
  ],
  Conflict: [
    'DependencyViolation',
    'IncorrectInstanceState',
    'IncorrectState',
    'InvalidGroup.Duplicate',
    'InvalidGroup.InUse',
    'InvalidKeyPair.Duplicate',
    'InvalidLaunchTemplateName.AlreadyExistsException',
    'InvalidPermission.Duplicate',
    'InvalidSubnet.Conflict',
    'OperationInProgress',
    'Resource.AlreadyAssociated',
    'RouteAlreadyExists',
  ],
  NotFound: [
    'Gateway.NotAttached',
    'InvalidInstanceID.Malformed',
    'InvalidLaunchTemplateName.NotFoundException',
    'InvalidVpcId.Malformed',
    'InvalidVpcID.Malformed',
    'InvalidGroupId.Malformed',
  ],
  Unsupported: ['Unsupported', 'UnsupportedHibernationConfiguration', 'UnsupportedOperation'],
  // The token has made something already, with other parameters or long ago: only a look-up tells what is left of it.
  OutcomeUnknown: ['IdempotentInstanceTerminated', 'IdempotentParameterMismatch'],
};

const BY_CODE: ReadonlyMap<string, DriverErrorCode> = new Map(
  DRIVER_ERROR_CODES.flatMap((meaning) => (CODES[meaning] ?? []).map((code) => [code, meaning] as const)),
);

/** Failures of the network that happen before a request is sent. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** What the SDK's errors have in common, whether they come from an answer or from the lack of one. */
const sdkErrorSchema = z.looseObject({
  name: z.string().catch('Error'),
  message: z.string().catch(''),
  code: z.string().optional().catch(undefined),
  $metadata: z
    .looseObject({ httpStatusCode: z.number().optional().catch(undefined) })
    .optional()
    .catch(undefined),
  $response: z
    .looseObject({
      statusCode: z.number().optional().catch(undefined),
      headers: z.record(z.string(), z.string()).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** @param call as IAM names it, such as `ec2:RunInstances` */
export function driverErrorOf(error: unknown, call: string, effect: CallEffect): DriverError {
  // A role's credential is fetched in the middle of a call, which then was not sent.
  if (error instanceof DriverError) return error;
  const parsed = sdkErrorSchema.safeParse(error).data;
  const { name = 'Error', message = '', code, $metadata, $response } = parsed ?? {};
  const detail = { call, cause: error };
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  if (status === undefined) {
    const reason = code ?? name;
    if (isNotSent(reason, message)) {
      return new DriverError('Unavailable', `${call}: EC2 cannot be reached: ${reason}`, {
        ...detail,
        cloudCode: reason,
      });
    }
    return new DriverError(unanswered(effect), `${call}: no answer: ${reason}`, {
      ...detail,
      cloudCode: reason,
    });
  }
  const headers = new Map(Object.entries($response?.headers ?? {}));
  return new DriverError(codeOf(name, status, effect), `${call}: ${wordsOf(name, message)}`, {
    ...detail,
    answered: true,
    cloudCode: name,
    // EC2 itself says none of it with RequestLimitExceeded; who stands before it may.
    ...readRate(headers),
  });
}

function codeOf(code: string, status: number, effect: CallEffect): DriverErrorCode {
  const known = BY_CODE.get(code);
  if (known === 'OutcomeUnknown') return unanswered(effect);
  if (known) return known;
  if (status === 429) return 'Throttled';
  if (status >= 500 || status < 400) return unanswered(effect);
  if (/NotFound$/.test(code)) return 'NotFound';
  if (/LimitExceeded$/.test(code)) return 'QuotaExceeded';
  // Without a code of EC2's, it need not even come from there.
  if (status === 401 || status === 403) return 'Unauthorized';
  return 'InvalidRequest';
}

function unanswered(effect: CallEffect): DriverErrorCode {
  return effect === 'changes' ? 'OutcomeUnknown' : 'Unavailable';
}

function isNotSent(reason: string, message: string): boolean {
  return (
    NOT_SENT.has(reason) || (reason === 'TimeoutError' && message.includes('did not establish a connection'))
  );
}

/** AWS's own words, without the blob that only an administrator of the account can decode. */
function wordsOf(code: string, message: string): string {
  return `${code}: ${message.replace(/\s*Encoded authorization failure message:.*$/s, '')}`;
}

/** Runs a call that succeeds, too, when what it is about is so already. */
export async function unless(codes: readonly DriverErrorCode[], call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof DriverError) || !codes.includes(error.code)) throw error;
  }
}
