import type { DriverErrorCode } from '../../../functions/drivers/contract/errors.ts';
import type { QuotaSubject } from '../../../functions/model/quota-subject.ts';
import type { CannedAnswer } from '../../fault-proxy/faults.ts';
import type { ErrorRow } from '../suite/harness.ts';
import { RATE_HEADERS, RATE_WORDS } from '../suite/rate-words.ts';

/** Returns an error answer in EC2's format. */
export function ec2Answer(status: number, code: string, message: string): CannedAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>`;
  return { status, headers: { 'content-type': 'text/xml;charset=UTF-8' }, body };
}

/** Returns an error answer in STS's format. */
export function stsAnswer(status: number, code: string, message: string): CannedAnswer {
  const body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>`;
  return { status, headers: { 'content-type': 'text/xml' }, body };
}

type Row = readonly [status: number, name: string];

/** Errors of RunInstances. */
const OF_CREATES: readonly (readonly [DriverErrorCode, readonly Row[]])[] = [
  [
    'Throttled',
    [
      [503, 'RequestLimitExceeded'],
      [400, 'Throttling'],
      [400, 'ThrottlingException'],
      [503, 'SlowDown'],
      [503, 'EC2ThrottledException'],
      [400, 'RequestThrottled'],
      [429, 'TooManyRequestsException'],
      [400, 'ConcurrentTagAccess'],
      [503, 'BandwidthLimitExceeded'],
    ],
  ],
  [
    'InsufficientCapacity',
    [
      [500, 'InsufficientInstanceCapacity'],
      [500, 'InsufficientCapacity'],
      [400, 'InsufficientCapacityOnHost'],
      [500, 'InsufficientHostCapacity'],
      [500, 'InsufficientReservedInstanceCapacity'],
      [500, 'InsufficientVolumeCapacity'],
      [400, 'InsufficientFreeAddressesInSubnet'],
      [400, 'SpotMaxPriceTooLow'],
      [503, 'InsufficientAddressCapacity'],
      [400, 'InsufficientReservedInstancesCapacity'],
      [400, 'ReservationCapacityExceeded'],
      [400, 'UnfulfillableCapacity'],
      [400, 'UnavailableHostRequirements'],
      [400, 'IncompatibleHostRequirements'],
      [400, 'VolumeTypeNotAvailableInZone'],
    ],
  ],
  [
    'QuotaExceeded',
    [
      [400, 'VcpuLimitExceeded'],
      [400, 'InstanceLimitExceeded'],
      [400, 'MaxSpotInstanceCountExceeded'],
      [400, 'VolumeLimitExceeded'],
      [400, 'NetworkInterfaceLimitExceeded'],
      [400, 'AddressLimitExceeded'],
      [400, 'SecurityGroupsPerInstanceLimitExceeded'],
      [400, 'ResourceLimitExceeded'],
      [400, 'ResourceCountExceeded'],
      [400, 'RequestResourceCountExceeded'],
      [400, 'LimitOfTomorrowLimitExceeded'],
    ],
  ],
  [
    'Unauthorized',
    [
      [400, 'ExpiredToken'],
      [400, 'ExpiredTokenException'],
      [403, 'Blocked'],
      [403, 'AccountDisabled'],
      [400, 'IncompleteSignature'],
      [403, 'InvalidSignatureException'],
      [403, 'SignatureDoesNotMatch'],
      [403, 'MissingAuthenticationToken'],
      [403, 'InvalidClientTokenId'],
      [400, 'UnrecognizedClientException'],
    ],
  ],
  [
    'Forbidden',
    [
      // STS accepts the credential.
      [401, 'AuthFailure'],
      [403, 'UnauthorizedOperation'],
      [403, 'AccessDenied'],
      [400, 'AccessDeniedException'],
      [403, 'NotAuthorized'],
      [400, 'PendingVerification'],
      [401, 'OptInRequired'],
      [403, 'RegionDisabledException'],
      [400, 'CustomerKeyHasBeenRevoked'],
    ],
  ],
  [
    'Unavailable',
    [
      [400, 'RequestExpired'],
      [400, 'InvalidSecurity.RequestHasExpired'],
    ],
  ],
  [
    'InvalidRequest',
    [
      [400, 'InvalidParameter'],
      [400, 'InvalidParameterValue'],
      [400, 'InvalidParameterCombination'],
      [400, 'MissingParameter'],
      [400, 'InvalidInstanceType'],
      [400, 'InvalidAMIID.Malformed'],
      [400, 'InvalidUserData.Malformed'],
      [400, 'CodeOfTomorrow'],
      [400, 'TagLimitExceeded'],
      [400, 'FilterLimitExceeded'],
      [400, 'CapacityBlockDescribeLimitExceeded'],
      [400, 'AttachmentLimitExceeded'],
    ],
  ],
  [
    'Unsupported',
    [
      [400, 'Unsupported'],
      [400, 'UnsupportedOperation'],
      [400, 'UnsupportedHibernationConfiguration'],
    ],
  ],
  [
    'OutcomeUnknown',
    [
      [500, 'InternalError'],
      [500, 'InternalFailure'],
      [503, 'Unavailable'],
      [503, 'ServiceUnavailable'],
      [400, 'IdempotentParameterMismatch'],
      [400, 'IdempotentInstanceTerminated'],
    ],
  ],
  ['NotFound', [[400, 'InvalidSubnetID.NotFound']]],
];

const OF_NETWORKS: readonly (readonly [DriverErrorCode, readonly Row[]])[] = [
  [
    'QuotaExceeded',
    [
      [400, 'VpcLimitExceeded'],
      [400, 'SubnetLimitExceeded'],
      [400, 'InternetGatewayLimitExceeded'],
      [400, 'SecurityGroupLimitExceeded'],
      [400, 'RulesPerSecurityGroupLimitExceeded'],
      [400, 'RouteLimitExceeded'],
      [400, 'LaunchTemplateLimitExceeded'],
    ],
  ],
  [
    'Conflict',
    [
      [400, 'DependencyViolation'],
      [400, 'InvalidGroup.Duplicate'],
      [400, 'InvalidGroup.InUse'],
      [400, 'InvalidKeyPair.Duplicate'],
      [400, 'InvalidPermission.Duplicate'],
      [400, 'InvalidSubnet.Conflict'],
      [400, 'InvalidLaunchTemplateName.AlreadyExistsException'],
      [400, 'OperationInProgress'],
      [400, 'Resource.AlreadyAssociated'],
      [400, 'RouteAlreadyExists'],
    ],
  ],
  ['InvalidRequest', [[400, 'InvalidVpc.Range']]],
];

const OF_READS: readonly (readonly [DriverErrorCode, readonly Row[]])[] = [
  [
    'Unavailable',
    [
      [500, 'InternalError'],
      [503, 'Unavailable'],
    ],
  ],
  ['Throttled', [[503, 'RequestLimitExceeded']]],
];

const OF_GETS: readonly (readonly [DriverErrorCode, readonly Row[]])[] = [
  [
    'NotFound',
    [
      [400, 'InvalidInstanceID.NotFound'],
      [400, 'InvalidInstanceID.Malformed'],
    ],
  ],
];

const OF_TERMINATIONS: readonly (readonly [DriverErrorCode, readonly Row[]])[] = [
  [
    'Conflict',
    [
      [400, 'IncorrectInstanceState'],
      [400, 'IncorrectState'],
    ],
  ],
  ['InvalidRequest', [[400, 'OperationNotPermitted']]],
];

function rows(
  call: string,
  table: readonly (readonly [DriverErrorCode, readonly Row[]])[],
  answerOf = ec2Answer,
): ErrorRow[] {
  return table.flatMap(([code, ofCode]) =>
    ofCode.map(([status, name]) => {
      const words = `what AWS says of ${name}`;
      const names = code === 'Unauthorized' || code === 'Forbidden' ? { namesCall: `ec2:${call}` } : {};
      return { name, call, code, words, answer: answerOf(status, name, words), ...names };
    }),
  );
}

const VCPUS =
  'You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to.';

function rowsOfQuotas(call: string, codes: Readonly<Record<string, QuotaSubject>>): ErrorRow[] {
  return Object.entries(codes).map(([name, of]) => {
    const words = `what AWS says of ${name}`;
    return {
      name: `what ${name} is about`,
      call,
      code: 'QuotaExceeded',
      words,
      quota: { of },
      answer: ec2Answer(400, name, words),
    };
  });
}

export const AWS_ERRORS: readonly ErrorRow[] = [
  ...rows('RunInstances', OF_CREATES),
  ...rows('CreateVpc', OF_NETWORKS),
  ...rows('DescribeInstances', OF_READS),
  ...rows('DescribeInstances by id', OF_GETS),
  ...rows('TerminateInstances', OF_TERMINATIONS),
  {
    name: 'InvalidClientTokenId of STS',
    call: 'GetCallerIdentity',
    code: 'Unauthorized',
    words: 'what STS says',
    namesCall: 'sts:GetCallerIdentity',
    answer: stsAnswer(403, 'InvalidClientTokenId', 'what STS says'),
  },
  {
    name: 'the vCPU quota with its limit',
    call: 'RunInstances',
    code: 'QuotaExceeded',
    words: VCPUS,
    quota: { of: 'vcpus', limit: 32 },
    answer: ec2Answer(400, 'VcpuLimitExceeded', VCPUS),
  },
  ...rowsOfQuotas('RunInstances', {
    MaxSpotInstanceCountExceeded: 'spot',
    NetworkInterfaceLimitExceeded: 'addresses',
    VolumeLimitExceeded: 'volumes',
  }),
  ...rowsOfQuotas('CreateVpc', { VpcLimitExceeded: 'networks', InternetGatewayLimitExceeded: 'networks' }),
  {
    name: 'a throttling gateway',
    call: 'DescribeInstances',
    code: 'Throttled',
    words: '',
    ...RATE_WORDS,
    answer: { status: 429, headers: RATE_HEADERS, body: '' },
  },
];
