import { type AwsAccount, type AwsCalls, AwsRefusal } from '../shell/aws-calls.ts';

type Quota = NonNullable<AwsCalls['servicequotas:ListServiceQuotas']['output']['Quotas']>[number];

/** A bucket of tokens, from which calls are paid. */
export interface Bucket {
  capacity: number;
  /** Tokens per second. */
  refill: number;
}

/**
 * Lists the quotas of a service: the values that are applied to the account, and the default of each quota that has no
 * applied value.
 */
export async function listQuotas(account: AwsAccount, ServiceCode: string): Promise<Quota[]> {
  const byCode = new Map<string, Quota>();
  for (const call of [
    'servicequotas:ListAWSDefaultServiceQuotas',
    'servicequotas:ListServiceQuotas',
  ] as const) {
    let token: string | undefined;
    do {
      const page = await account.call(call, {
        ServiceCode,
        MaxResults: 100,
        ...(token === undefined ? {} : { NextToken: token }),
      });
      for (const quota of page.Quotas ?? []) {
        if (quota.Value !== undefined) byCode.set(quota.QuotaCode ?? '', quota);
      }
      token = page.NextToken;
    } while (token !== undefined && token !== '');
  }
  return [...byCode.values()];
}

/** Reads one quota, or its default if no value is applied. @returns undefined if the region has no such quota */
export async function readQuota(
  account: AwsAccount,
  ServiceCode: string,
  QuotaCode: string,
): Promise<Quota | undefined> {
  for (const call of ['servicequotas:GetServiceQuota', 'servicequotas:GetAWSDefaultServiceQuota'] as const) {
    try {
      const { Quota: quota } = await account.call(call, { ServiceCode, QuotaCode });
      if (quota?.Value !== undefined) return quota;
    } catch (error) {
      if (!(error instanceof AwsRefusal) || error.kind !== 'absent') throw error;
    }
  }
  return undefined;
}

/**
 * Finds the bucket of a call of Step Functions among the service's quotas. AWS names the quotas by the call, with the
 * words "bucket size" and "refill rate".
 */
export function bucketOf(
  quotas: readonly Quota[],
  call: string,
  codes: { capacity?: string; refill?: string },
): Bucket | undefined {
  const named = new RegExp(`\\b${call}\\b`, 'i');
  const find = (code: string | undefined, part: RegExp) =>
    quotas.find(({ QuotaCode }) => code !== undefined && QuotaCode === code) ??
    quotas.find(
      ({ QuotaName = '' }) => named.test(QuotaName) && part.test(QuotaName) && !/express/i.test(QuotaName),
    );
  const capacity = find(codes.capacity, /bucket size/i)?.Value;
  const refill = find(codes.refill, /refill/i)?.Value;
  return capacity === undefined || refill === undefined ? undefined : { capacity, refill };
}

/** Returns the seconds until a bucket that is full at first has given `wanted` tokens. */
export function secondsOf(wanted: number, { capacity, refill }: Bucket): number {
  if (wanted <= capacity) return 0;
  return refill <= 0 ? Number.POSITIVE_INFINITY : (wanted - capacity) / refill;
}
