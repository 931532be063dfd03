import { describe, expect, test } from 'vitest';
import { readRate } from '../../../../functions/drivers/contract/retry-after.ts';
import { errorOfAnswer } from '../../../../functions/drivers/openstack/errors.ts';
import { instanceStatusOf } from '../../../../functions/drivers/openstack/statuses.ts';

const errorFor = (
  status: number,
  body: unknown,
  effect: 'reads' | 'changes' = 'changes',
  headers: Record<string, string> = {},
) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return errorOfAnswer(
    { call: 'nova:POST /servers', status, text, rate: readRate(new Headers(headers)) },
    effect,
  );
};
const nova = (key: string, message: string) => ({ [key]: { code: 0, message } });
const neutron = (type: string, message = 'words') => ({ NeutronError: { type, message, detail: '' } });

describe('errorOfAnswer', () => {
  test.each([
    [
      'an exhausted quota',
      'QuotaExceeded',
      403,
      nova('forbidden', 'Quota exceeded for instances: Requested 1, but already used 10 of 10'),
    ],
    [
      'an exhausted quota of ports',
      'QuotaExceeded',
      403,
      nova('forbidden', 'Maximum number of ports exceeded'),
    ],
    [
      'an exhausted quota of ports in another wording',
      'QuotaExceeded',
      403,
      nova('forbidden', 'The number of defined ports: 2 is over the limit: 0'),
    ],
    [
      'a flavor without a disk',
      'InvalidRequest',
      403,
      nova('forbidden', 'Only volume-backed servers are allowed for flavors with zero disk.'),
    ],
    [
      'too many metadata items',
      'InvalidRequest',
      403,
      nova('forbidden', 'Maximum number of metadata items exceeds 40'),
    ],
    [
      'too many files',
      'InvalidRequest',
      403,
      nova('forbidden', 'Personality file content exceeds maximum 10240'),
    ],
    [
      'a full server group',
      'InvalidRequest',
      403,
      nova('forbidden', 'Quota exceeded, too many servers in group'),
    ],
    [
      'too many disks',
      'InvalidRequest',
      403,
      nova(
        'forbidden',
        'The maximum allowed number of disk devices (26) to attach to a single instance has been exceeded.',
      ),
    ],
    [
      'an external network',
      'InvalidRequest',
      403,
      nova('forbidden', 'It is not allowed to create an interface on external network 1'),
    ],
    [
      'an image that does not fit the flavor',
      'InvalidRequest',
      403,
      nova(
        'forbidden',
        "Image property 'hw_numa_nodes' is not permitted to override NUMA configuration set against the flavor",
      ),
    ],
    ['a quota of key pairs', 'QuotaExceeded', 403, nova('forbidden', 'Quota exceeded, too many key pairs.')],
    ['a role of administrators', 'Forbidden', 403, nova('forbidden', 'User does not have admin privileges')],
    ['a call that is denied without words', 'Forbidden', 403, nova('forbidden', 'Forbidden')],
    [
      'a project that Keystone denies',
      'Forbidden',
      403,
      { error: { code: 403, message: 'no', title: 'Forbidden' } },
    ],
    [
      'an image that Glance denies',
      'Forbidden',
      403,
      '<html><body>Access was denied to this resource.</body></html>',
    ],
    [
      'a missing permission',
      'Forbidden',
      403,
      nova('forbidden', "Policy doesn't allow os_compute_api:servers:create to be performed."),
    ],
    ['a rate limit', 'Throttled', 413, nova('overLimit', 'This request was rate-limited.')],
    ['the rate limit of a load balancer', 'Throttled', 429, '<html>slow down</html>'],
    ['an unknown server', 'NotFound', 404, nova('itemNotFound', 'Instance x could not be found.')],
    ['an invalid parameter', 'InvalidRequest', 400, nova('badRequest', 'Invalid key_name provided.')],
    ['a conflicting state', 'Conflict', 409, nova('conflictingRequest', 'while it is in vm_state stopped')],
    [
      'a Nova version that is too old',
      'Unsupported',
      406,
      nova('computeFault', 'Version 2.69 is not supported by the API.'),
    ],
    ['an exhausted quota of networks', 'QuotaExceeded', 409, neutron('OverQuota')],
    ['a network in use', 'Conflict', 409, neutron('NetworkInUse')],
    ['a lack of addresses', 'InsufficientCapacity', 409, neutron('IpAddressGenerationFailure')],
    ['a lack of networks', 'InsufficientCapacity', 503, neutron('NoNetworkAvailable')],
    ['a missing permission in Neutron', 'Forbidden', 403, neutron('PolicyNotAuthorized')],
    ['a refused token', 'Unauthorized', 401, { error: { code: 401, message: 'no', title: 'Unauthorized' } }],
    [
      'an image that is gone',
      'NotFound',
      404,
      '<html><head><title>404</title></head><body>gone</body></html>',
    ],
    ['a server error', 'OutcomeUnknown', 500, nova('computeFault', 'Unexpected API Error.')],
    ['a gateway time-out', 'OutcomeUnknown', 504, '<html>Gateway Time-out</html>'],
    ['an unknown status', 'InvalidRequest', 418, {}],
  ])('an answer about %s becomes the driver error %s', (_, expected, status, body) => {
    expect(errorFor(status, body)).toMatchObject({ code: expected, call: 'nova:POST /servers' });
  });

  test.each([
    [
      'Quota exceeded for instances: Requested 1, but already used 10 of 10 instances',
      { of: 'instances', limit: 10, used: 10, requested: 1 },
    ],
    [
      'Quota exceeded for ram: Requested 1000000, but already used 5120 of 204800 ram',
      { of: 'memoryGb', limit: 200, used: 5, requested: 976.5625 },
    ],
    [
      'Quota exceeded for cores, ram: Requested 4, 8192, but already used 18, 1024 of 20, 4096 cores, ram',
      { of: 'memoryGb', limit: 4, used: 1, requested: 8 },
    ],
    [
      'Project p is over a limit for [Resource servers is over limit of 5 due to current usage 5 and delta 1]',
      { of: 'instances', limit: 5, used: 5, requested: 1 },
    ],
    [
      'Resource class:MEMORY_MB is over limit of 2048 due to current usage 1024 and delta 2048',
      { of: 'memoryGb', limit: 2, used: 1, requested: 2 },
    ],
    ['Maximum number of ports exceeded', { of: 'addresses' }],
    ['Quota exceeded, too many key pairs.', { of: 'networks' }],
    ['Quota exceeded for things of tomorrow', undefined],
  ])('the quota in “%s” is %j', (words, quota) => {
    expect(errorFor(403, nova('forbidden', words))).toMatchObject({ code: 'QuotaExceeded' });
    expect(errorFor(403, nova('forbidden', words)).quota).toEqual(quota);
  });

  test("the quota in Neutron's words is about networks or addresses", () => {
    const of = (resource: string) =>
      errorFor(409, neutron('OverQuota', `Quota exceeded for resources: ['${resource}'].`)).quota;
    expect(['network', 'router', 'subnet', 'security_group_rule', 'port', 'floatingip'].map(of)).toEqual([
      { of: 'networks' },
      { of: 'networks' },
      { of: 'networks' },
      { of: 'networks' },
      { of: 'addresses' },
      { of: 'addresses' },
    ]);
  });

  test('a read that Nova answers with status 500 fails as Unavailable', () => {
    expect(errorFor(500, nova('computeFault', 'x'), 'reads').code).toBe('Unavailable');
  });

  test('an error contains the wait time of the headers, or of the body if the headers have none', () => {
    expect(errorFor(429, '', 'reads', { 'retry-after': '7' }).retryAfterMs).toBe(7_000);
    const { retryAfterMs, limitPerSecond } = errorFor(429, '', 'reads', {
      ratelimit: '"calls";r=0;t=9',
      'ratelimit-policy': '"calls";q=12;w=3',
    });
    expect([retryAfterMs, limitPerSecond]).toEqual([9_000, 4]);
    const body = { overLimit: { code: 413, message: 'slow', retryAfter: '3' } };
    expect(errorFor(413, body).retryAfterMs).toBe(3_000);
  });

  test("an error contains the cloud's message and code, from a body of JSON or HTML", () => {
    const { message, cloudCode } = errorFor(400, nova('badRequest', "Invalid input. Value: 'x' is too long"));
    expect(message).toBe("nova:POST /servers: Invalid input. Value: 'x' is too long");
    expect(cloudCode).toBe('badRequest');
    expect(
      errorFor(404, '<html><head><title>t</title></head><body><h1>404</h1>No image</body></html>').message,
    ).toBe('nova:POST /servers: 404 No image');
  });
});

test.each([
  ['BUILD', 'spawning', 'Creating'],
  ['BUILD', 'deleting', 'Terminating'],
  ['ACTIVE', undefined, 'Running'],
  ['ACTIVE', 'powering-off', 'Suspending'],
  ['SHUTOFF', undefined, 'Suspended'],
  ['SHUTOFF', 'powering-on', 'Resuming'],
  ['REBOOT', 'reboot_started', 'Rebooting'],
  ['ERROR', undefined, 'Failed'],
  ['ERROR', 'deleting', 'Terminating'],
  ['DELETED', undefined, 'Terminated'],
  ['SOFT_DELETED', 'deleting', 'Terminated'],
  ['RESCUE', undefined, 'Undefined'],
  ['A_NEW_WORD', undefined, 'Undefined'],
] as const)('a server with status %s and task %s has the instance status %s', (status, task, expected) => {
  expect(instanceStatusOf(status, task)).toBe(expected);
});
