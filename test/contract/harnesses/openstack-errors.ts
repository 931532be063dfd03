import type { ErrorRow } from '../suite/harness.ts';
import { RATE_HEADERS, RATE_WORDS } from '../suite/rate-words.ts';

type Code = ErrorRow['code'];

const CREATE = 'nova:POST /servers';
const LIST = 'nova:GET /servers/detail';
const GET = 'nova:GET /servers/id';
const NETWORK = 'neutron:POST /networks';

const wordsOf = (name: string) => `the cloud's own words about ${name}`;

/** Returns an error in Nova's format: an object with one key, which is the code. */
function nova(
  name: string,
  status: number,
  code: Code,
  call: string,
  over: Partial<ErrorRow> = {},
): ErrorRow {
  const words = over.words ?? wordsOf(name);
  const body = JSON.stringify({ [name]: { code: status, message: words } });
  return { name, call, code, words, answer: { status, body }, ...over };
}

function neutron(name: string, status: number, code: Code): ErrorRow {
  const words = wordsOf(name);
  const body = JSON.stringify({ NeutronError: { type: name, message: words, detail: '' } });
  return { name, call: NETWORK, code, words, answer: { status, body } };
}

/**
 * Returns an error in Keystone's format. The token check of every other service answers in this format, too.
 */
function keystone(title: string, status: number, code: Code, call: string): ErrorRow {
  const words = wordsOf(title);
  const body = JSON.stringify({ error: { code: status, message: words, title } });
  return { name: title, call, code, words, answer: { status, body } };
}

function bare(name: string, status: number, code: Code, call: string): ErrorRow {
  const words = wordsOf(name);
  const body = `<html><head><title>${status}</title></head><body>${words}</body></html>`;
  return { name, call, code, words, answer: { status, headers: { 'content-type': 'text/html' }, body } };
}

const QUOTA = 'Quota exceeded for instances: Requested 1, but already used 10 of 10 instances';
const MEMORY = 'Quota exceeded for ram: Requested 8192, but already used 47104 of 51200 ram';
const UNIFIED =
  'Project p is over a limit for [Resource class:VCPU is over limit of 20 due to current usage 18 and delta 4]';
const PORTS = 'Maximum number of ports exceeded';
const DEFINED_PORTS = 'The number of defined ports: 2 is over the limit: 0';
const NO_DISK = 'Only volume-backed servers are allowed for flavors with zero disk.';
const OUTSIDE = 'It is not allowed to create an interface on external network 1';
const REQUEST_LIMITS = [
  'Maximum number of metadata items exceeds 40',
  'Personality file limit exceeded',
  'Quota exceeded, too many servers in group',
  "Image property 'hw_cpu_policy' is not permitted to override CPU pinning policy set against the flavor",
];
const POLICY = "Policy doesn't allow os_compute_api:servers:create to be performed.";

export const THROTTLED = {
  status: 413,
  headers: RATE_HEADERS,
  body: JSON.stringify({ overLimit: { code: 413, message: 'This request was rate-limited.' } }),
};

export const OPENSTACK_ERRORS: readonly ErrorRow[] = [
  nova('badRequest', 400, 'InvalidRequest', CREATE),
  nova('badMethod', 405, 'InvalidRequest', CREATE),
  nova('badMediaType', 415, 'InvalidRequest', CREATE),
  nova('unauthorized', 401, 'Unauthorized', LIST),
  nova('forbidden', 403, 'Forbidden', CREATE, { words: POLICY, namesCall: CREATE }),
  nova('forbidden', 403, 'QuotaExceeded', CREATE, {
    name: 'quota of instances',
    words: QUOTA,
    quota: { of: 'instances', limit: 10, used: 10, requested: 1 },
  }),
  nova('forbidden', 403, 'QuotaExceeded', CREATE, {
    name: 'quota of memory',
    words: MEMORY,
    quota: { of: 'memoryGb', limit: 50, used: 46, requested: 8 },
  }),
  nova('forbidden', 403, 'QuotaExceeded', CREATE, {
    name: 'a unified limit',
    words: UNIFIED,
    quota: { of: 'vcpus', limit: 20, used: 18, requested: 4 },
  }),
  nova('forbidden', 403, 'QuotaExceeded', CREATE, {
    name: 'quota of ports',
    words: PORTS,
    quota: { of: 'addresses' },
  }),
  nova('forbidden', 403, 'QuotaExceeded', CREATE, {
    name: 'quota of key pairs',
    words: 'Quota exceeded, too many key pairs.',
    quota: { of: 'networks' },
  }),
  nova('forbidden', 403, 'QuotaExceeded', CREATE, { name: 'quota of defined ports', words: DEFINED_PORTS }),
  nova('forbidden', 403, 'InvalidRequest', CREATE, { name: 'a flavor without a disk', words: NO_DISK }),
  nova('forbidden', 403, 'InvalidRequest', CREATE, { name: 'an external network', words: OUTSIDE }),
  ...REQUEST_LIMITS.map((words) => nova('forbidden', 403, 'InvalidRequest', CREATE, { name: words, words })),
  nova('itemNotFound', 404, 'NotFound', GET),
  nova('conflictingRequest', 409, 'Conflict', CREATE),
  nova('overLimit', 413, 'Throttled', CREATE, {
    ...RATE_WORDS,
    answer: THROTTLED,
    words: 'rate-limited',
  }),
  nova('overLimit', 413, 'QuotaExceeded', CREATE, { name: 'quota over the limit', words: QUOTA }),
  nova('notImplemented', 501, 'Unsupported', CREATE),
  nova('computeFault', 406, 'Unsupported', CREATE),
  nova('computeFault', 500, 'OutcomeUnknown', CREATE),
  nova('computeFault', 500, 'Unavailable', LIST),
  neutron('OverQuota', 409, 'QuotaExceeded'),
  neutron('IpAddressGenerationFailure', 409, 'InsufficientCapacity'),
  neutron('NoNetworkAvailable', 503, 'InsufficientCapacity'),
  ...['NetworkInUse', 'SubnetInUse', 'SubnetPoolInUse', 'PortInUse', 'RouterInUse', 'SecurityGroupInUse'].map(
    (name) => neutron(name, 409, 'Conflict'),
  ),
  ...[
    ...['SecurityGroupRuleExists', 'IpAddressInUse', 'IpAddressAlreadyAllocated'],
    'RevisionNumberConstraintFailed',
  ].map((name) => neutron(name, 409, 'Conflict')),
  ...['NetworkNotFound', 'SubnetNotFound', 'PortNotFound', 'RouterNotFound', 'SecurityGroupNotFound'].map(
    (name) => neutron(name, 404, 'NotFound'),
  ),
  ...[
    ...['RouterInterfaceNotFound', 'RouterInterfaceNotFoundForSubnet', 'SecurityGroupRuleNotFound'],
    'HTTPNotFound',
  ].map((name) => neutron(name, 404, 'NotFound')),
  ...['InvalidInput', 'HTTPBadRequest', 'BadRequest', 'InvalidCIDR'].map((name) =>
    neutron(name, 400, 'InvalidRequest'),
  ),
  ...['PolicyNotAuthorized', 'NotAuthorized', 'HTTPForbidden'].map((name) => neutron(name, 403, 'Forbidden')),
  neutron('HTTPNotImplemented', 501, 'Unsupported'),
  keystone('Unauthorized', 401, 'Unauthorized', 'keystone:POST /auth/tokens'),
  keystone('Forbidden', 403, 'Forbidden', 'keystone:POST /auth/tokens'),
  bare('a refused token', 401, 'Unauthorized', LIST),
  bare('a missing permission', 403, 'Forbidden', LIST),
  bare('an unknown path', 404, 'NotFound', GET),
  bare('a conflict', 409, 'Conflict', CREATE),
  bare('a rate limit with status 413', 413, 'Throttled', CREATE),
  bare('a rate limit with status 429', 429, 'Throttled', LIST),
  bare('a gateway', 502, 'OutcomeUnknown', CREATE),
  bare('a service that is down', 503, 'Unavailable', LIST),
];
