import * as z from 'zod';
import { DRIVER_ERROR_CODES, DriverError, type DriverErrorCode } from '../contract/errors.ts';
import { NOT_SENT, whyNotSent } from '../contract/no-answer.ts';
import { readRate } from '../contract/retry-after.ts';
import {
  CLOCK_HINT,
  FORBIDDEN_CODES,
  isClockRefusal,
  isDenialOfIdentity,
  scopeOfDenial,
  UNAUTHORIZED_CODES,
} from './denials.ts';
import { isOfOneRequest, quotaOf } from './quota-codes.ts';
import { scopeOfReservation, UNUSABLE_RESERVATION } from './reservation-codes.ts';

/** The effect of a call. Only a call that can change something at the cloud can have an unknown outcome. */
export type CallEffect = 'reads' | 'changes';

/**
 * Maps each code of the driver contract to the error codes of EC2 and STS with that meaning. EC2 sends some of these
 * error codes with status 500, including those for capacity. Therefore a known code has precedence over the status.
 */
const CODES: Readonly<Partial<Record<DriverErrorCode, readonly string[]>>> = {
  Throttled: [
    'BandwidthLimitExceeded',
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
    'IncompatibleHostRequirements',
    'InsufficientAddressCapacity',
    'InsufficientCapacity',
    'InsufficientCapacityOnHost',
    'InsufficientFreeAddressesInSubnet',
    'InsufficientHostCapacity',
    'InsufficientInstanceCapacity',
    'InsufficientReservedInstanceCapacity',
    'InsufficientReservedInstancesCapacity',
    'InsufficientVolumeCapacity',
    'ReservationCapacityExceeded',
    'SpotMaxPriceTooLow',
    'UnavailableHostRequirements',
    'UnfulfillableCapacity',
    'VolumeTypeNotAvailableInZone',
  ],
  // `quota-codes.ts` tells what each quota is about.
  QuotaExceeded: [
    'AddressLimitExceeded',
    'InstanceLimitExceeded',
    'InternetGatewayLimitExceeded',
    'KeyPairLimitExceeded',
    'LaunchTemplateLimitExceeded',
    'MaxIOPSLimitExceeded',
    'MaxSpotInstanceCountExceeded',
    'NetworkInterfaceLimitExceeded',
    // One call asked for too many machines. Smaller calls follow.
    'RequestResourceCountExceeded',
    'ResourceCountExceeded',
    'ResourceLimitExceeded',
    'RouteLimitExceeded',
    'RouteTableLimitExceeded',
    'RulesPerSecurityGroupLimitExceeded',
    'SecurityGroupLimitExceeded',
    'SecurityGroupsPerInstanceLimitExceeded',
    'SecurityGroupsPerInterfaceLimitExceeded',
    'SubnetLimitExceeded',
    'VcpuLimitExceeded',
    'VolumeLimitExceeded',
    'VpcLimitExceeded',
  ],
  Unauthorized: UNAUTHORIZED_CODES,
  Forbidden: FORBIDDEN_CODES,
  // These words look like a quota, but only a different request can succeed.
  InvalidRequest: [
    'AttachmentLimitExceeded',
    'CapacityBlockDescribeLimitExceeded',
    'FilterLimitExceeded',
    'TagLimitExceeded',
    ...UNUSABLE_RESERVATION,
  ],
  Conflict: [
    'DependencyViolation',
    'IncorrectInstanceState',
    'IncorrectState',
    // The reservation becomes active soon. The call is made again after a look-up.
    'InvalidCapacityReservationState.PendingActivation',
    'InvalidGroup.Duplicate',
    'InvalidGroup.InUse',
    'InvalidKeyPair.Duplicate',
    'InvalidLaunchTemplateName.AlreadyExistsException',
    'InvalidPermission.Duplicate',
    'InvalidSubnet.Conflict',
    'OperationInProgress',
    'Resource.AlreadyAssociated',
    'RouteAlreadyExists',
    'VolumeInUse',
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
  // An earlier request used the same client token. Only a look-up tells whether the machine of that request still
  // exists.
  OutcomeUnknown: ['IdempotentInstanceTerminated', 'IdempotentParameterMismatch'],
};

const BY_CODE: ReadonlyMap<string, DriverErrorCode> = new Map(
  DRIVER_ERROR_CODES.flatMap((meaning) => (CODES[meaning] ?? []).map((code) => [code, meaning] as const)),
);

/** The fields of an SDK error that the driver reads. Some are absent if AWS did not answer. */
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

/** Converts an error of the SDK. @param call the call's name in IAM, such as `ec2:RunInstances` */
export function driverErrorOf(error: unknown, call: string, effect: CallEffect): DriverError {
  // Before a call, the SDK may have to get a role's keys. If that fails, the error is already a DriverError, and the
  // call itself was not sent.
  if (error instanceof DriverError) return error;
  const parsed = sdkErrorSchema.safeParse(error).data;
  const { name = 'Error', message = '', code, $metadata, $response } = parsed ?? {};
  const detail = { call, cause: error };
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  if (status === undefined) {
    const reason = code ?? name;
    if (isNotSent(reason, message)) {
      return new DriverError('Unavailable', `${call}: EC2 cannot be reached: ${whyNotSent(reason, error)}`, {
        ...detail,
        cloudCode: reason,
      });
    }
    return new DriverError(unanswered(effect), `${call}: EC2 did not answer: ${reason}`, {
      ...detail,
      cloudCode: reason,
    });
  }
  const headers = new Map(Object.entries($response?.headers ?? {}));
  if (isClockRefusal(name, message)) {
    const words = `${call}: ${wordsOf(name, message)} (${CLOCK_HINT})`;
    return new DriverError('Unavailable', words, { ...detail, answered: true, cloudCode: name });
  }
  const meaning = codeOf(name, status, effect, call);
  const quota = meaning === 'QuotaExceeded' ? quotaOf(name, message) : undefined;
  return new DriverError(meaning, `${call}: ${wordsOf(name, message)}`, {
    ...detail,
    answered: true,
    cloudCode: name,
    ...(meaning === 'Forbidden' ? { scope: scopeOfDenial(name, message) } : {}),
    ...zoneScopeOf(name),
    ...scopeOfReservation(name),
    tokenIsUsed: BY_CODE.get(name) === 'OutcomeUnknown',
    unknownWords: !isKnown(name, status),
    ...(quota === undefined ? {} : { quota }),
    ...(meaning === 'QuotaExceeded' && isOfOneRequest(name) ? { scope: 'launch' as const } : {}),
    // A RunInstances call asks for at least one machine, so that EC2 refuses it only if there is no room for one.
    holdsForOne: call === 'ec2:RunInstances' && NO_ROOM.has(meaning) && !isOfOneRequest(name),
    // EC2 sends no rate-limit headers with RequestLimitExceeded, but a proxy in front of EC2 may.
    ...readRate(headers),
  });
}

const NO_ROOM: ReadonlySet<DriverErrorCode> = new Set(['InsufficientCapacity', 'QuotaExceeded']);

/**
 * Error codes of EC2 that concern the zone of a request, although their meaning for the caller is not a lack of
 * capacity. `Unsupported`: the zone does not have the type or the configuration. The others: the subnet of the zone no
 * longer exists.
 */
const CONCERN_A_ZONE: ReadonlySet<string> = new Set([
  'InvalidSubnet.Unavailable',
  'InvalidSubnetID.NotFound',
  'Unsupported',
]);

const zoneScopeOf = (code: string): { scope?: 'zone' } => (CONCERN_A_ZONE.has(code) ? { scope: 'zone' } : {});

function codeOf(code: string, status: number, effect: CallEffect, call: string): DriverErrorCode {
  if (scopeOfReservation(code)) return 'InvalidRequest';
  const known = BY_CODE.get(code);
  if (known === 'Forbidden' && isDenialOfIdentity(call)) return 'Unauthorized';
  if (known === 'OutcomeUnknown') return unanswered(effect);
  if (known) return known;
  if (status === 429) return 'Throttled';
  if (status >= 500 || status < 400) return unanswered(effect);
  if (/NotFound$/.test(code)) return 'NotFound';
  if (/LimitExceeded$/.test(code)) return 'QuotaExceeded';
  // An answer without a known code may come from a server other than EC2, for example a proxy.
  if (status === 401) return 'Unauthorized';
  if (status === 403) return isDenialOfIdentity(call) ? 'Unauthorized' : 'Forbidden';
  return 'InvalidRequest';
}

/** EC2's codes of an error of its own. They say nothing about the call, and an operator needs not report them. */
const SERVER_FAILED: ReadonlySet<string> = new Set([
  'InternalError',
  'InternalFailure',
  'ServerInternal',
  'ServiceUnavailable',
  'Unavailable',
]);

/** Returns false if a fallback of `codeOf` chose the meaning of an answer of EC2. */
function isKnown(code: string, status: number): boolean {
  if (BY_CODE.has(code) || SERVER_FAILED.has(code) || status === 429 || /NotFound$/.test(code)) return true;
  return /^(Invalid|Missing|Malformed)/.test(code);
}

function unanswered(effect: CallEffect): DriverErrorCode {
  return effect === 'changes' ? 'OutcomeUnknown' : 'Unavailable';
}

function isNotSent(reason: string, message: string): boolean {
  return (
    NOT_SENT.has(reason) || (reason === 'TimeoutError' && message.includes('did not establish a connection'))
  );
}

/** Returns AWS's own words, without the encoded part that only an administrator of the account can decode. */
function wordsOf(code: string, message: string): string {
  return `${code}: ${message.replace(/\s*Encoded authorization failure message:.*$/s, '')}`;
}

/**
 * Runs a call, and ignores errors with these codes. The caller passes the codes which mean that the desired state
 * already exists.
 */
export async function unless(codes: readonly DriverErrorCode[], call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof DriverError) || !codes.includes(error.code)) throw error;
  }
}
