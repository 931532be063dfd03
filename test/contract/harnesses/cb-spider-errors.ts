import type { CannedAnswer } from '../../fault-proxy/faults.ts';
import type { ErrorRow } from '../suite/harness.ts';
import { RATE_HEADERS, RATE_WORDS } from '../suite/rate-words.ts';

/** As CB-Spider answers nearly every error. */
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

/** Words of CB-Spider's own (seen), and those that the clouds' SDKs put into their errors (from their documentation). */
export const ERRORS: readonly ErrorRow[] = [
  row('wrong user or password', 'verify', 'Unauthorized', 'Unauthorized', {
    answer: refusal('Unauthorized', 401),
  }),
  row('a gateway with too many calls', 'list', 'Throttled', 'slow down', {
    answer: { ...refusal('slow down', 429), headers: RATE_HEADERS },
    ...RATE_WORDS,
  }),
  row('throttled at EC2', 'create', 'Throttled', 'RequestLimitExceeded: Request limit exceeded.'),
  row('throttled at Azure', 'list', 'Throttled', 'ERROR CODE: TooManyRequests'),
  row('throttled at Alibaba', 'create', 'Throttled', 'ErrorCode: Throttling.User'),
  row('no room at EC2', 'create', 'InsufficientCapacity', 'InsufficientInstanceCapacity: no capacity'),
  row('no room at GCP', 'create', 'InsufficientCapacity', 'ZONE_RESOURCE_POOL_EXHAUSTED'),
  row('no room at Azure', 'create', 'InsufficientCapacity', 'ERROR CODE: SkuNotAvailable'),
  row('no room at OpenStack', 'create', 'InsufficientCapacity', 'No valid host was found.'),
  row('no room at Oracle', 'create', 'InsufficientCapacity', 'Out of host capacity.'),
  row('quota at EC2', 'create', 'QuotaExceeded', 'VcpuLimitExceeded: You have requested more vCPU capacity'),
  row('quota at GCP', 'create', 'QuotaExceeded', "Quota 'CPUS' exceeded. Limit: 24.0 in region"),
  row('networks at EC2', 'ensure-network', 'QuotaExceeded', 'VpcLimitExceeded: The maximum number of VPCs'),
  row('networks at KT', 'ensure-network', 'QuotaExceeded', 'can have only 1 VPC, but already have a VPC'),
  row('no right at EC2', 'create', 'Unauthorized', 'UnauthorizedOperation: You are not authorized', {
    namesCall: 'POST /vm',
  }),
  row('no right at Azure', 'list', 'Unauthorized', 'ERROR CODE: AuthorizationFailed', {
    namesCall: 'GET /vmstatus',
  }),
  row('wrong key at EC2', 'verify', 'Unauthorized', 'AuthFailure: AWS was not able to validate'),
  row('expired at EC2', 'verify', 'Unauthorized', 'ExpiredToken: The security token included'),
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
  row('no room at Alibaba', 'create', 'InsufficientCapacity', 'ErrorCode: OperationDenied.NoStock'),
  row('no room at Tencent', 'create', 'InsufficientCapacity', 'Code=ResourcesSoldOut.SpecifiedInstanceType'),
  row('quota at Tencent', 'create', 'QuotaExceeded', 'Code=LimitExceeded.InstanceQuota'),
  row('quota at Keystone clouds', 'create', 'QuotaExceeded', 'Quota exceeded for cores, instances'),
  row('calls at GCP', 'list', 'Throttled', 'Quota exceeded for quota metric, rateLimitExceeded'),
  row('unknown image at EC2', 'create', 'InvalidRequest', "InvalidAMIID.NotFound: The image id '[ami-1]'"),
  row('unknown key pair', 'create', 'NotFound', "VM KeyPair 'k' does not exist in connection 'c'"),
  row('a field left empty', 'create', 'InvalidRequest', "resources.IID:NameId's input value is empty!"),
  row('unknown machine', 'get', 'NotFound', "VM 'm' does not exist in connection 'c'"),
  row('not at this cloud', 'ensure-network', 'Unsupported', 'zone-based control is not supported'),
  row('in use', 'ensure-network', 'Conflict', 'DependencyViolation: resource vpc-1 has a dependent object'),
  row('anything else of a change', 'create', 'OutcomeUnknown', 'runtime error: index out of range'),
  row('anything else of a read', 'list', 'Unavailable', 'runtime error: index out of range'),
  row('a gateway without CB-Spider', 'list', 'Unavailable', '502', {
    answer: { status: 502, body: 'Bad Gateway' },
  }),
  row('no CB-Spider at all', 'list', 'InvalidRequest', 'Not Found', { answer: refusal('Not Found', 404) }),
];
