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
      'a quota',
      403,
      nova('forbidden', 'Quota exceeded for instances: Requested 1, but already used 10 of 10'),
      'QuotaExceeded',
    ],
    ['a quota of ports', 403, nova('forbidden', 'Maximum number of ports exceeded'), 'QuotaExceeded'],
    [
      'a quota of ports in another wording',
      403,
      nova('forbidden', 'The number of defined ports: 2 is over the limit: 0'),
      'QuotaExceeded',
    ],
    [
      'a flavor without a disk',
      403,
      nova('forbidden', 'Only volume-backed servers are allowed for flavors with zero disk.'),
      'InvalidRequest',
    ],
    [
      'a missing permission',
      403,
      nova('forbidden', "Policy doesn't allow os_compute_api:servers:create to be performed."),
      'Unauthorized',
    ],
    ['a rate limit', 413, nova('overLimit', 'This request was rate-limited.'), 'Throttled'],
    ['the rate limit of a load balancer', 429, '<html>slow down</html>', 'Throttled'],
    ['an unknown server', 404, nova('itemNotFound', 'Instance x could not be found.'), 'NotFound'],
    ['an invalid parameter', 400, nova('badRequest', 'Invalid key_name provided.'), 'InvalidRequest'],
    ['a conflicting state', 409, nova('conflictingRequest', 'while it is in vm_state stopped'), 'Conflict'],
    [
      'a Nova version that is too old',
      406,
      nova('computeFault', 'Version 2.69 is not supported by the API.'),
      'Unsupported',
    ],
    ['a quota of networks', 409, neutron('OverQuota'), 'QuotaExceeded'],
    ['a network in use', 409, neutron('NetworkInUse'), 'Conflict'],
    ['a lack of addresses', 409, neutron('IpAddressGenerationFailure'), 'InsufficientCapacity'],
    ['a lack of networks', 503, neutron('NoNetworkAvailable'), 'InsufficientCapacity'],
    ['a missing permission in Neutron', 403, neutron('PolicyNotAuthorized'), 'Unauthorized'],
    ['a refused token', 401, { error: { code: 401, message: 'no', title: 'Unauthorized' } }, 'Unauthorized'],
    [
      'an image that is gone',
      404,
      '<html><head><title>404</title></head><body>gone</body></html>',
      'NotFound',
    ],
    ['a server error', 500, nova('computeFault', 'Unexpected API Error.'), 'OutcomeUnknown'],
    ['a gateway time-out', 504, '<html>Gateway Time-out</html>', 'OutcomeUnknown'],
    ['an unknown status', 418, {}, 'InvalidRequest'],
  ])('an answer about %s becomes the driver error for it', (_, status, body, expected) => {
    expect(errorFor(status, body)).toMatchObject({ code: expected, call: 'nova:POST /servers' });
  });

  test('a read that Nova answers with status 500 fails as Unavailable', () => {
    expect(errorFor(500, nova('computeFault', 'x'), 'reads').code).toBe('Unavailable');
  });

  test('an error has the wait of the headers, or else of the body', () => {
    expect(errorFor(429, '', 'reads', { 'retry-after': '7' }).retryAfterMs).toBe(7_000);
    const { retryAfterMs, limitPerSecond } = errorFor(429, '', 'reads', {
      ratelimit: '"calls";r=0;t=9',
      'ratelimit-policy': '"calls";q=12;w=3',
    });
    expect([retryAfterMs, limitPerSecond]).toEqual([9_000, 4]);
    const body = { overLimit: { code: 413, message: 'slow', retryAfter: '3' } };
    expect(errorFor(413, body).retryAfterMs).toBe(3_000);
  });

  test("an error has the cloud's message and code, from JSON or from HTML", () => {
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
