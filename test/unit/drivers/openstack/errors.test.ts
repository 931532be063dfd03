import { describe, expect, test } from 'vitest';
import { readRate } from '../../../../functions/drivers/contract/retry-after.ts';
import { errorOfAnswer } from '../../../../functions/drivers/openstack/errors.ts';
import { instanceStatusOf } from '../../../../functions/drivers/openstack/statuses.ts';

const meaning = (
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

describe('what an answer means', () => {
  test.each([
    [
      'a quota',
      403,
      nova('forbidden', 'Quota exceeded for instances: Requested 1, but already used 10 of 10'),
      'QuotaExceeded',
    ],
    ['a quota of ports', 403, nova('forbidden', 'Maximum number of ports exceeded'), 'QuotaExceeded'],
    [
      'a quota of ports, in other words',
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
      'a right that is missing',
      403,
      nova('forbidden', "Policy doesn't allow os_compute_api:servers:create to be performed."),
      'Unauthorized',
    ],
    ['too many calls', 413, nova('overLimit', 'This request was rate-limited.'), 'Throttled'],
    ['too many calls, by a load balancer', 429, '<html>slow down</html>', 'Throttled'],
    ['an unknown server', 404, nova('itemNotFound', 'Instance x could not be found.'), 'NotFound'],
    ['a wrong word', 400, nova('badRequest', 'Invalid key_name provided.'), 'InvalidRequest'],
    ['a wrong state', 409, nova('conflictingRequest', 'while it is in vm_state stopped'), 'Conflict'],
    [
      'a Nova that is too old',
      406,
      nova('computeFault', 'Version 2.69 is not supported by the API.'),
      'Unsupported',
    ],
    ['a quota of networks', 409, neutron('OverQuota'), 'QuotaExceeded'],
    ['a network in use', 409, neutron('NetworkInUse'), 'Conflict'],
    ['no address left', 409, neutron('IpAddressGenerationFailure'), 'InsufficientCapacity'],
    ['no network left', 503, neutron('NoNetworkAvailable'), 'InsufficientCapacity'],
    ['a right of Neutron', 403, neutron('PolicyNotAuthorized'), 'Unauthorized'],
    ['a refused token', 401, { error: { code: 401, message: 'no', title: 'Unauthorized' } }, 'Unauthorized'],
    [
      'an image that is gone',
      404,
      '<html><head><title>404</title></head><body>gone</body></html>',
      'NotFound',
    ],
    ['a fault', 500, nova('computeFault', 'Unexpected API Error.'), 'OutcomeUnknown'],
    ['a gateway', 504, '<html>Gateway Time-out</html>', 'OutcomeUnknown'],
    ['an unknown status', 418, {}, 'InvalidRequest'],
  ])('%s', (_, status, body, expected) => {
    expect(meaning(status, body)).toMatchObject({ code: expected, call: 'nova:POST /servers' });
  });

  test('a fault of a read is Unavailable', () => {
    expect(meaning(500, nova('computeFault', 'x'), 'reads').code).toBe('Unavailable');
  });

  test('has how long to wait from the header, else from the body', () => {
    expect(meaning(429, '', 'reads', { 'retry-after': '7' }).retryAfterMs).toBe(7_000);
    const { retryAfterMs, limitPerSecond } = meaning(429, '', 'reads', {
      ratelimit: '"calls";r=0;t=9',
      'ratelimit-policy': '"calls";q=12;w=3',
    });
    expect([retryAfterMs, limitPerSecond]).toEqual([9_000, 4]);
    const body = { overLimit: { code: 413, message: 'slow', retryAfter: '3' } };
    expect(meaning(413, body).retryAfterMs).toBe(3_000);
  });

  test("an error has the cloud's own words", () => {
    const { message, cloudCode } = meaning(400, nova('badRequest', "Invalid input. Value: 'x' is too long"));
    expect(message).toBe("nova:POST /servers: Invalid input. Value: 'x' is too long");
    expect(cloudCode).toBe('badRequest');
    expect(
      meaning(404, '<html><head><title>t</title></head><body><h1>404</h1>No image</body></html>').message,
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
] as const)('status %s with task %s is %s', (status, task, expected) => {
  expect(instanceStatusOf(status, task)).toBe(expected);
});
