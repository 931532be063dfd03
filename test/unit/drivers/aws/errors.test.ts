import { afterEach, describe, expect, test } from 'vitest';
import { awsMetadata } from '../../../../functions/drivers/aws/metadata.ts';
import { DriverError, type DriverErrorCode } from '../../../../functions/drivers/contract/errors.ts';
import { quotaClassOf } from '../../../../functions/drivers/contract/quota-class.ts';
import { type Canned, type CannedEc2, cannedEc2, connect, page, refusal } from './canned-ec2.ts';

const LOCATION = 'us-east-1';
let ec2: CannedEc2 | undefined;
afterEach(async () => {
  await ec2?.close();
  ec2 = undefined;
});

/**
 * Returns the errors that a read (`DescribeInstances`) and a change (`StopInstances`) throw if EC2 gives
 * `answer`.
 */
async function meanings(answer: Canned): Promise<{ read: DriverError; change: DriverError }> {
  ec2 = await cannedEc2(() => answer);
  const client = connect(ec2.url);
  return {
    read: await errorOf(client.listInstances(LOCATION)),
    change: await errorOf(client.stopInstance(LOCATION, 'i-1')),
  };
}

async function errorOf(call: Promise<unknown>): Promise<DriverError> {
  const outcome = await call.then(
    () => 'no error',
    (error: unknown) => error,
  );
  if (outcome instanceof DriverError) return outcome;
  throw new TypeError(`not a DriverError: ${outcome}`);
}

describe('an error answer of EC2', () => {
  test.each<[number, string, DriverErrorCode]>([
    [503, 'RequestLimitExceeded', 'Throttled'],
    [400, 'Throttling', 'Throttled'],
    [500, 'InsufficientInstanceCapacity', 'InsufficientCapacity'],
    [400, 'SpotMaxPriceTooLow', 'InsufficientCapacity'],
    [400, 'VcpuLimitExceeded', 'QuotaExceeded'],
    [400, 'InstanceLimitExceeded', 'QuotaExceeded'],
    [400, 'VpcLimitExceeded', 'QuotaExceeded'],
    [400, 'SomethingNewLimitExceeded', 'QuotaExceeded'],
    [400, 'TagLimitExceeded', 'InvalidRequest'],
    [400, 'FilterLimitExceeded', 'InvalidRequest'],
    [400, 'CapacityBlockDescribeLimitExceeded', 'InvalidRequest'],
    [400, 'ResourceCountExceeded', 'QuotaExceeded'],
    [400, 'UnfulfillableCapacity', 'InsufficientCapacity'],
    [400, 'ReservationCapacityExceeded', 'InsufficientCapacity'],
    [400, 'VolumeTypeNotAvailableInZone', 'InsufficientCapacity'],
    [503, 'InsufficientAddressCapacity', 'InsufficientCapacity'],
    [503, 'BandwidthLimitExceeded', 'Throttled'],
    [400, 'InvalidCapacityReservationState.PendingActivation', 'Conflict'],
    [403, 'UnauthorizedOperation', 'Forbidden'],
    [400, 'ExpiredToken', 'Unauthorized'],
    [403, 'InvalidClientTokenId', 'Unauthorized'],
    [403, 'Blocked', 'Unauthorized'],
    [403, 'AccountDisabled', 'Unauthorized'],
    [401, 'OptInRequired', 'Forbidden'],
    [400, 'PendingVerification', 'Forbidden'],
    [403, 'RegionDisabledException', 'Forbidden'],
    [403, 'AccessDenied', 'Forbidden'],
    [400, 'RequestExpired', 'Unavailable'],
    [400, 'InvalidSecurity.RequestHasExpired', 'Unavailable'],
    [400, 'DependencyViolation', 'Conflict'],
    [400, 'IncorrectInstanceState', 'Conflict'],
    [400, 'InvalidInstanceID.NotFound', 'NotFound'],
    [400, 'InvalidInstanceID.Malformed', 'NotFound'],
    [400, 'UnsupportedOperation', 'Unsupported'],
    [400, 'Unsupported', 'Unsupported'],
    [400, 'InvalidParameterValue', 'InvalidRequest'],
    [400, 'InvalidParameterCombination', 'InvalidRequest'],
    [400, 'InvalidAMIID.Malformed', 'InvalidRequest'],
    [400, 'SomeUnknownCode', 'InvalidRequest'],
  ])('EC2 error %i %s becomes %s, for a read and for a change', async (status, code, meaning) => {
    const { read, change } = await meanings(refusal(status, code));
    for (const error of [read, change]) {
      expect(error).toMatchObject({ code: meaning, name: meaning, cloudCode: code });
      expect(error.message).toContain(`${code} it is`);
    }
    expect(read.call).toBe('ec2:DescribeInstances');
    expect(change.call).toBe('ec2:StopInstances');
  });

  test.each<[number, string]>([
    [500, 'InternalError'],
    [503, 'Unavailable'],
    [503, 'ServiceUnavailable'],
    [400, 'IdempotentParameterMismatch'],
  ])(
    'EC2 error %i %s becomes OutcomeUnknown for a change, and Unavailable for a read',
    async (status, code) => {
      const { read, change } = await meanings(refusal(status, code));
      expect(read.code).toBe('Unavailable');
      expect(change.code).toBe('OutcomeUnknown');
    },
  );
});

describe('an error of a market', () => {
  test.each([
    ['SpotMaxPriceTooLow', 'InsufficientCapacity', 'zone'],
    ['InsufficientInstanceCapacity', 'InsufficientCapacity', 'zone'],
    ['ReservationCapacityExceeded', 'InsufficientCapacity', 'zone'],
    ['InvalidCapacityReservationState.Expired', 'InvalidRequest', 'market'],
    ['InvalidCapacityReservationState.PendingActivation', 'Conflict', 'launch'],
    ['InvalidCapacityReservationId.NotFound', 'InvalidRequest', 'market'],
    ['AuthFailure.ServiceLinkedRoleCreationNotPermitted', 'Forbidden', 'market'],
  ])('%s is %s with the scope %s', async (code, meaning, scope) => {
    const { change } = await meanings(refusal(400, code));
    expect(change).toMatchObject({ code: meaning, scope });
  });
});

describe('a quota of EC2', () => {
  test.each([
    ['VcpuLimitExceeded', 'your current vCPU limit of 32 allows', { of: 'vcpus', limit: 32 }, 'site'],
    ['MaxSpotInstanceCountExceeded', '', { of: 'spot' }, 'site'],
    ['NetworkInterfaceLimitExceeded', '', { of: 'addresses' }, 'site'],
    ['VolumeLimitExceeded', '', { of: 'volumes' }, 'site'],
    ['VpcLimitExceeded', '', { of: 'networks' }, 'site'],
    ['InstanceLimitExceeded', '', { of: 'family' }, 'site'],
    ['RulesPerSecurityGroupLimitExceeded', '', undefined, 'launch'],
    ['SomethingNewLimitExceeded', '', undefined, 'launch'],
  ])('%s (%s) is about %j', async (code, words, quota, scope) => {
    const { change } = await meanings(refusal(400, code, words));
    expect(change).toMatchObject({ code: 'QuotaExceeded', scope });
    expect(change.quota).toEqual(quota);
  });

  test.each([
    ['m6i.large', 'Standard'],
    ['t3.micro', 'Standard'],
    ['d3.xlarge', 'Standard'],
    ['is4gen.large', 'Standard'],
    ['im4gn.large', 'Standard'],
    ['hpc7a.12xlarge', 'HPC'],
    ['g5.xlarge', 'G and VT'],
    ['gr6.4xlarge', 'G and VT'],
    ['p5.48xlarge', 'P'],
    ['x2idn.metal', 'X'],
    ['inf2.xlarge', 'Inf'],
    ['trn1.2xlarge', 'Trn'],
    ['dl1.24xlarge', 'DL'],
    ['u-6tb1.metal', 'High Memory'],
  ])('type %s has the vCPU quota of class %s', (type, name) => {
    expect(quotaClassOf(awsMetadata, type)).toBe(name);
  });

  test('only words that no table knows are marked as unknown', async () => {
    expect((await meanings(refusal(400, 'VpcLimitExceeded'))).change.unknownWords).toBe(false);
    await ec2?.close();
    expect((await meanings(refusal(500, 'InternalError'))).change.unknownWords).toBe(false);
    await ec2?.close();
    expect((await meanings(refusal(400, 'CodeOfTomorrow'))).change.unknownWords).toBe(true);
  });
});

describe('an answer that is not from EC2', () => {
  test.each([
    [
      'the answer of a gateway that timed out',
      'Unavailable',
      'OutcomeUnknown',
      { status: 502, body: '<html>Bad Gateway</html>' },
    ],
    [
      'the answer of a captive portal, with status 200 and without XML,',
      'Unavailable',
      'OutcomeUnknown',
      { status: 200, body: 'Welcome to the captive portal' },
    ],
    ['a closed connection', 'Unavailable', 'OutcomeUnknown', 'hang-up' as const],
    [
      'the answer of a proxy that throttles',
      'Throttled',
      'Throttled',
      { status: 429, body: '', headers: { 'retry-after': '7' } },
    ],
    [
      'the answer of a proxy that refuses',
      'Forbidden',
      'Forbidden',
      { status: 403, body: '<html>no</html>' },
    ],
  ])('%s makes a read fail as %s and a change as %s', async (_, ofRead, ofChange, answer) => {
    const { read, change } = await meanings(answer);
    expect([read.code, change.code]).toEqual([ofRead, ofChange]);
  });

  test("a throttling error contains the wait time of the answer's retry-after header", async () => {
    const { read } = await meanings({ status: 429, body: '', headers: { 'retry-after': '7' } });
    expect(read.retryAfterMs).toBe(7_000);
  });

  test('a call to a port without a listener fails as Unavailable, because nothing was sent', async () => {
    ec2 = await cannedEc2(() => page('DescribeInstances'));
    const { url } = ec2;
    await ec2.close();
    expect((await errorOf(connect(url).stopInstance(LOCATION, 'i-1'))).code).toBe('Unavailable');
    expect((await errorOf(connect(url).verifyCredential())).code).toBe('Unavailable');
  });
});

test('the SDK does not repeat a refused call, and the error contains no secret and no encoded message', async () => {
  ec2 = await cannedEc2(() =>
    refusal(403, 'UnauthorizedOperation', 'You may not. Encoded authorization failure message: aGVsbG8'),
  );
  const error = await errorOf(connect(ec2.url).stopInstance(LOCATION, 'i-1'));
  expect(ec2.calls).toHaveLength(1);
  expect(error.message).toBe('ec2:StopInstances: UnauthorizedOperation: You may not.');
  expect(JSON.stringify([error.message, error.cloudCode, error.call])).not.toContain('not-to-be-told');
});

test('a call for an unknown region fails as InvalidRequest, and the list of regions is read only once', async () => {
  ec2 = await cannedEc2(() =>
    page('DescribeRegions', '<regionInfo><item><regionName>us-east-1</regionName></item></regionInfo>'),
  );
  const client = connect(ec2.url);
  for (const location of ['nowhere-1', 'us-east-99', 'evil.example/', 'nowhere-1']) {
    expect((await errorOf(client.listInstances(location))).code).toBe('InvalidRequest');
  }
  expect(ec2.calls.map((call) => call.get('Action'))).toEqual(['DescribeRegions']);
});
