import type { CannedAnswer } from '../../fault-proxy/faults.ts';
import type { ErrorRow } from '../suite/harness.ts';
import { RATE_HEADERS, RATE_WORDS } from '../suite/rate-words.ts';

/** Returns an error answer in CB-Spider's format. Nearly all errors of CB-Spider have status 500. */
export function refusal(message: string, status = 500): CannedAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) };
}

export const THROTTLED = refusal('RequestLimitExceeded: Request limit exceeded.');

function row(
  name: string,
  call: string,
  code: ErrorRow['code'],
  words: string,
  over: Partial<ErrorRow> = {},
): ErrorRow {
  return { name, call, code, words, answer: refusal(words), ...over };
}

const GCP_RATE =
  "googleapi: Error 429: Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'compute.googleapis.com', RATE_LIMIT_EXCEEDED";
const AZURE_CORES =
  'Operation could not be completed as it results in exceeding approved Total Regional Cores quota. Additional details - Deployment Model: Resource Manager, Location: KoreaSouth, Current Limit: 50, Current Usage: 48, Additional Required: 4';

/**
 * Error table of CB-Spider. Messages of CB-Spider itself are copied from answers of a server. Messages of a
 * cloud's SDK are copied from the documentation of the SDK.
 */
export const ERRORS: readonly ErrorRow[] = [
  row('wrong user or password', 'verify', 'Unauthorized', 'Unauthorized', {
    answer: refusal('Unauthorized', 401),
  }),
  row('a throttling gateway', 'list', 'Throttled', 'slow down', {
    answer: { ...refusal('slow down', 429), headers: RATE_HEADERS },
    ...RATE_WORDS,
  }),
  row('throttled at EC2', 'create', 'Throttled', 'RequestLimitExceeded: Request limit exceeded.'),
  row('throttled at Azure', 'list', 'Throttled', 'ERROR CODE: TooManyRequests'),
  row('throttled at Alibaba', 'create', 'Throttled', 'ErrorCode: Throttling.User'),
  row('no capacity at EC2', 'create', 'InsufficientCapacity', 'InsufficientInstanceCapacity: no capacity'),
  row('no capacity at GCP', 'create', 'InsufficientCapacity', 'ZONE_RESOURCE_POOL_EXHAUSTED'),
  row('no capacity at Azure', 'create', 'InsufficientCapacity', 'ERROR CODE: SkuNotAvailable'),
  row('no capacity at OpenStack', 'create', 'InsufficientCapacity', 'No valid host was found.'),
  row('no capacity at Oracle', 'create', 'InsufficientCapacity', 'Out of host capacity.'),
  row('quota at EC2', 'create', 'QuotaExceeded', 'VcpuLimitExceeded: You have requested more vCPU capacity'),
  row('quota at GCP', 'create', 'QuotaExceeded', "Quota 'CPUS' exceeded. Limit: 24.0 in region"),
  row('a rate of GCP that calls itself a quota', 'create', 'Throttled', GCP_RATE),
  row(
    'no host for the constraints at Azure',
    'create',
    'InsufficientCapacity',
    'OverconstrainedAllocationRequest',
  ),
  row('no capacity at IBM', 'create', 'InsufficientCapacity', 'over_capacity'),
  row('balance at Alibaba', 'create', 'QuotaExceeded', 'ErrorCode: InvalidAccountStatus.NotEnoughBalance', {
    quota: { of: 'account' },
  }),
  row('quota of addresses at Azure', 'create', 'QuotaExceeded', 'ERROR CODE: PublicIPCountLimitReached', {
    quota: { of: 'addresses' },
  }),
  row('quota of cores at Azure', 'create', 'QuotaExceeded', AZURE_CORES, {
    quota: { of: 'vcpus', limit: 50, used: 48, requested: 4 },
  }),
  row(
    'a disk that is too small at OpenStack',
    'create',
    'InvalidRequest',
    "Flavor's disk is too small for requested image.",
  ),
  row('too many tags at EC2', 'create', 'InvalidRequest', 'TagLimitExceeded: The maximum number of Tags'),
  row(
    'quota of networks at EC2',
    'ensure-network',
    'QuotaExceeded',
    'VpcLimitExceeded: The maximum number of VPCs',
  ),
  row(
    'quota of networks at KT',
    'ensure-network',
    'QuotaExceeded',
    'can have only 1 VPC, but already have a VPC',
  ),
  row('missing permission at EC2', 'create', 'Forbidden', 'UnauthorizedOperation: You are not authorized', {
    namesCall: 'POST /vm',
  }),
  row('missing permission at Azure', 'list', 'Forbidden', 'ERROR CODE: AuthorizationFailed', {
    namesCall: 'GET /vmstatus',
  }),
  row(
    'missing permission at Google',
    'list',
    'Forbidden',
    "googleapi: Error 403: Required 'compute.x' permission",
  ),
  row('missing permission at Alibaba', 'create', 'Forbidden', 'ErrorCode: Forbidden.RAM'),
  row('missing permission at Tencent', 'create', 'Forbidden', 'Code=AuthFailure.UnauthorizedOperation'),
  row('missing permission at OpenStack', 'create', 'Forbidden', "Policy doesn't allow servers:create"),
  row('a policy at Azure', 'create', 'Forbidden', 'ERROR CODE: RequestDisallowedByPolicy'),
  row('a region under validation at EC2', 'create', 'Forbidden', 'PendingVerification: Your request'),
  row('a wrong clock at EC2', 'create', 'Unavailable', 'RequestExpired: Request has expired.'),
  row(
    'too much metadata at OpenStack',
    'create',
    'InvalidRequest',
    'Maximum number of metadata items exceeds 40',
  ),
  row('wrong key at EC2', 'verify', 'Unauthorized', 'AuthFailure: AWS was not able to validate'),
  row('expired token at EC2', 'verify', 'Unauthorized', 'ExpiredToken: The security token included'),
  row('wrong key at Azure', 'verify', 'Unauthorized', 'AADSTS7000215: Invalid client secret provided.'),
  row('wrong key at GCP', 'verify', 'Unauthorized', 'oauth2: "invalid_grant" "Invalid JWT Signature."'),
  row('wrong key at IBM', 'verify', 'Unauthorized', 'Provided API key could not be found.'),
  row('wrong key at Alibaba', 'verify', 'Unauthorized', 'ErrorCode: InvalidAccessKeyId.NotFound'),
  row('wrong key at Tencent', 'verify', 'Unauthorized', 'Code=AuthFailure.SecretIdNotFound'),
  row('wrong key at Oracle', 'verify', 'Unauthorized', 'Error Code: NotAuthenticated.'),
  row(
    'wrong password at Keystone',
    'verify',
    'Unauthorized',
    'The request you have made requires authentication.',
  ),
  row('no capacity at Alibaba', 'create', 'InsufficientCapacity', 'ErrorCode: OperationDenied.NoStock'),
  row(
    'no capacity at Tencent',
    'create',
    'InsufficientCapacity',
    'Code=ResourcesSoldOut.SpecifiedInstanceType',
  ),
  row('quota at Tencent', 'create', 'QuotaExceeded', 'Code=LimitExceeded.InstanceQuota'),
  row('quota at Keystone clouds', 'create', 'QuotaExceeded', 'Quota exceeded for cores, instances'),
  row('throttled at GCP', 'list', 'Throttled', 'Quota exceeded for quota metric, rateLimitExceeded'),
  row('unknown image at EC2', 'create', 'InvalidRequest', "InvalidAMIID.NotFound: The image id '[ami-1]'"),
  row('unknown key pair', 'create', 'NotFound', "VM KeyPair 'k' does not exist in connection 'c'"),
  row('an empty field', 'create', 'InvalidRequest', "resources.IID:NameId's input value is empty!"),
  row('unknown machine', 'get', 'NotFound', "VM 'm' does not exist in connection 'c'"),
  row(
    'an operation that the cloud lacks',
    'ensure-network',
    'Unsupported',
    'zone-based control is not supported',
  ),
  row(
    'a resource in use',
    'ensure-network',
    'Conflict',
    'DependencyViolation: resource vpc-1 has a dependent object',
  ),
  row('an unknown error of a change', 'create', 'OutcomeUnknown', 'runtime error: index out of range'),
  row('an unknown error of a read', 'list', 'Unavailable', 'runtime error: index out of range'),
  row('a gateway without CB-Spider', 'list', 'Unavailable', '502', {
    answer: { status: 502, body: 'Bad Gateway' },
  }),
  row('a server that is not CB-Spider', 'list', 'InvalidRequest', 'Not Found', {
    answer: refusal('Not Found', 404),
  }),
];
