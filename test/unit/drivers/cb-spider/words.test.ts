import { describe, expect, it } from 'vitest';
import { errorOfAnswer } from '../../../../functions/drivers/cb-spider/errors.ts';
import type { Cloud } from '../../../../functions/model/cloud.ts';

const errorFor = (message: string, cloud?: Cloud, effect: 'reads' | 'changes' = 'changes') =>
  errorOfAnswer(
    { status: 500, message, call: 'POST /vm', rate: {}, ...(cloud === undefined ? {} : { cloud }) },
    effect,
  );

const AZURE = (quota: string) =>
  `Failed to Start VM. err = PUT https://management.azure.com/… RESPONSE 409: 409 Conflict ERROR CODE: OperationNotAllowed { "error": { "code": "OperationNotAllowed", "message": "Operation could not be completed as it results in exceeding approved ${quota}. Additional details - Deployment Model: Resource Manager, Location: KoreaSouth, Current Limit: 50, Current Usage: 48, Additional Required: 4, (Minimum) New Limit Required: 52.`;
const FIGURES = { limit: 50, used: 48, requested: 4 };

describe('words of clouds behind CB-Spider', () => {
  it.each<[string, Cloud, string, object | undefined]>([
    ['TagLimitExceeded: The maximum number of Tags', 'aws', 'InvalidRequest', undefined],
    ['FilterLimitExceeded: too many', 'aws', 'InvalidRequest', undefined],
    ['VcpuLimitExceeded: more vCPU capacity', 'aws', 'QuotaExceeded', { of: 'family' }],
    ['MaxSpotInstanceCountExceeded: Max spot', 'aws', 'QuotaExceeded', { of: 'spot' }],
    ['AddressLimitExceeded: no', 'aws', 'QuotaExceeded', { of: 'addresses' }],
    ['VpcLimitExceeded: The maximum number of VPCs', 'aws', 'QuotaExceeded', { of: 'networks' }],
    ['UnfulfillableCapacity: not now', 'aws', 'InsufficientCapacity', undefined],
    ['ReservationCapacityExceeded: full', 'aws', 'InsufficientCapacity', undefined],
    [AZURE('Total Regional Cores quota'), 'azure', 'QuotaExceeded', { of: 'vcpus', ...FIGURES }],
    [AZURE('standardDSv3Family Cores quota'), 'azure', 'QuotaExceeded', { of: 'family', ...FIGURES }],
    [AZURE('LowPriorityCores quota'), 'azure', 'QuotaExceeded', { of: 'spot', ...FIGURES }],
    [
      'Operation results in exceeding quota limits of Core. Maximum allowed: 20, Current in use: 19, Additional requested: 2.',
      'azure',
      'QuotaExceeded',
      { of: 'vcpus', limit: 20, used: 19, requested: 2 },
    ],
    [
      'PublicIPCountLimitReached: Cannot create more than 50 public IP addresses',
      'azure',
      'QuotaExceeded',
      { of: 'addresses' },
    ],
    ['ERROR CODE: OverconstrainedAllocationRequest', 'azure', 'InsufficientCapacity', undefined],
    ['OverconstrainedZonalAllocationRequest', 'azure', 'InsufficientCapacity', undefined],
    ['ZonalAllocationFailed', 'azure', 'InsufficientCapacity', undefined],
    ['SkuNotAvailable: not in KoreaSouth', 'azure', 'InsufficientCapacity', undefined],
    ['ERROR CODE: OperationGroupQuotaExceeded', 'azure', 'Throttled', undefined],
    [
      "googleapi: Error 429: Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'compute.googleapis.com', RATE_LIMIT_EXCEEDED",
      'gcp',
      'Throttled',
      undefined,
    ],
    ['googleapi: Error 403: Rate Limit Exceeded, rateLimitExceeded', 'gcp', 'Throttled', undefined],
    [
      "googleapi: Error 403: Quota 'CPUS' exceeded. Limit: 24.0 in region us-central1., quotaExceeded",
      'gcp',
      'QuotaExceeded',
      { of: 'vcpus', limit: 24 },
    ],
    ["Quota 'N2_CPUS' exceeded. Limit: 8.0", 'gcp', 'QuotaExceeded', { of: 'family', limit: 8 }],
    ["Quota 'PREEMPTIBLE_CPUS' exceeded. Limit: 8.0", 'gcp', 'QuotaExceeded', { of: 'spot', limit: 8 }],
    ["Quota 'IN_USE_ADDRESSES' exceeded. Limit: 8.0", 'gcp', 'QuotaExceeded', { of: 'addresses', limit: 8 }],
    [
      "Quota 'NETWORKS' exceeded. Limit: 15.0 globally.",
      'gcp',
      'QuotaExceeded',
      { of: 'networks', limit: 15 },
    ],
    ["Quota 'SSD_TOTAL_GB' exceeded. Limit: 500.0", 'gcp', 'QuotaExceeded', { of: 'volumes', limit: 500 }],
    ["Quota 'INSTANCES' exceeded. Limit: 72.0", 'gcp', 'QuotaExceeded', { of: 'instances', limit: 72 }],
    ['ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS', 'gcp', 'InsufficientCapacity', undefined],
    [
      "The zone 'projects/p/zones/us-central1-a' does not have enough resources available to fulfill the request.",
      'gcp',
      'InsufficientCapacity',
      undefined,
    ],
    ['ErrorCode: InvalidAccountStatus.NotEnoughBalance', 'alibaba', 'QuotaExceeded', { of: 'account' }],
    ['ErrorCode: NotEnoughBalance', 'alibaba', 'QuotaExceeded', { of: 'account' }],
    ['ErrorCode: Zone.NotOnSale', 'alibaba', 'InsufficientCapacity', undefined],
    [
      'QuotaExceed.AfterpayInstance The maximum number of Pay-As-You-Go instances is exceeded: create ecs vcpu quota per region limited by user quota [8].',
      'alibaba',
      'QuotaExceeded',
      { of: 'vcpus', limit: 8 },
    ],
    ['ErrorCode: QuotaExceeded.Vpc', 'alibaba', 'QuotaExceeded', { of: 'networks' }],
    ['ErrorCode: Throttling.User', 'alibaba', 'Throttled', undefined],
    [
      '[TencentCloudSDKError] Code=InvalidAccount.InsufficientBalance, Message=The balance of account is not enough.',
      'tencent',
      'QuotaExceeded',
      { of: 'account' },
    ],
    ['Code=LimitExceeded.InstanceQuota', 'tencent', 'QuotaExceeded', { of: 'instances' }],
    ['Code=LimitExceeded.UserSpotQuota', 'tencent', 'QuotaExceeded', { of: 'spot' }],
    ['Code=ResourceInsufficient.SpecifiedInstanceType', 'tencent', 'InsufficientCapacity', undefined],
    ['over_capacity', 'ibm', 'InsufficientCapacity', undefined],
    ['status reason: cannot_start_capacity', 'ibm', 'InsufficientCapacity', undefined],
    ['over_quota: The VPC quota is exceeded', 'ibm', 'QuotaExceeded', { of: 'networks' }],
    ['over_quota: number of floating IPs', 'ibm', 'QuotaExceeded', { of: 'addresses' }],
    ["Flavor's disk is too small for requested image.", 'openstack', 'InvalidRequest', undefined],
    ['Maximum number of metadata items exceeds 40', 'openstack', 'InvalidRequest', undefined],
    [
      'Quota exceeded for ram: Requested 8192, but already used 47104 of 51200 ram',
      'nhn',
      'QuotaExceeded',
      { of: 'memoryGb', limit: 50, used: 46, requested: 8 },
    ],
    [
      'Quota exceeded for cores, instances: Requested 4, 1, but already used 18, 10 of 20, 10 cores, instances',
      'kt',
      'QuotaExceeded',
      { of: 'instances', limit: 10, used: 10, requested: 1 },
    ],
    ["Quota exceeded for resources: ['router'].", 'nhn', 'QuotaExceeded', { of: 'networks' }],
    [
      'No valid host was found. There are not enough hosts available.',
      'nhn',
      'InsufficientCapacity',
      undefined,
    ],
    ['can have only 1 VPC, but already have a VPC', 'kt', 'QuotaExceeded', { of: 'networks' }],
    ['VPC creation error: You can no longer create a product', 'ncp', 'QuotaExceeded', { of: 'networks' }],
    ['Out of host capacity.', 'oracle', 'InsufficientCapacity', undefined],
    [
      'The following service limits were exceeded: standard-a1-core-count. Request a service limit increase',
      'oracle',
      'QuotaExceeded',
      { of: 'vcpus' },
    ],
  ])('"%s" of %s means %s', (words, cloud, code, quota) => {
    const error = errorFor(words, cloud);
    expect([error.code, error.quota]).toEqual([code, quota]);
    expect(error.unknownWords).toBe(false);
    // CB-Spider may call another cloud than the connection names, for example a proxy of it.
    expect(errorFor(words).code).toBe(code);
    expect(errorFor(words, 'mock').quota).toEqual(quota);
  });

  it('words that no table knows leave the outcome of a change unknown, and are marked', () => {
    expect(errorFor('runtime error: index out of range', 'gcp')).toMatchObject({
      code: 'OutcomeUnknown',
      unknownWords: true,
    });
    expect(errorFor('runtime error: index out of range', 'gcp', 'reads').code).toBe('Unavailable');
  });

  it('a very long answer without a meaning is read in a short time', () => {
    const words = `exceeding approved Total Regional Cores quota ${'Current Limit: 1, Current Usage: 1, '.repeat(20_000)}`;
    const startMs = performance.now();
    expect(errorFor(words, 'azure').code).toBe('QuotaExceeded');
    expect(performance.now() - startMs).toBeLessThan(500);
  });
});
