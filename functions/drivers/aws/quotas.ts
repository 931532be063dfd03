import {
  ListServiceQuotasCommand,
  type MetricInfo,
  type ServiceQuota,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import type { Quota } from '../../model/quota.ts';
import { ask } from './ask.ts';
import type { Ec2, Ec2Options } from './ec2.ts';
import { KNOWN_QUOTAS, type KnownQuota, QUOTA_SERVICES, unitOf } from './known-quotas.ts';
import { QuotaUsage } from './quota-usage.ts';
import { clientSettings } from './settings.ts';

/** Maximum number of quotas that Service Quotas returns in one page. */
const PAGE_SIZE = 100;
/** Maximum number of pages that are read of one service. EC2 has about 300 quotas. */
const MAX_PAGES = 20;

/** A quota that Service Quotas lists, with what it counts. */
interface ListedQuota {
  quota: Quota;
  /** The metric of CloudWatch that reports the usage. Absent: nothing reports it. */
  metric?: MetricInfo;
}

/** Reads an account's quotas from Service Quotas, and their usage from CloudWatch. */
export class ServiceQuotas {
  readonly #ec2: Pick<Ec2, 'requireRegion'>;
  readonly #options: Ec2Options;
  readonly #usage: QuotaUsage;
  readonly #clients = new Map<string, ServiceQuotasClient>();

  constructor(ec2: Pick<Ec2, 'requireRegion'>, options: Ec2Options) {
    this.#ec2 = ec2;
    this.#options = options;
    this.#usage = new QuotaUsage(options);
  }

  /**
   * Reads the values that apply to the account in a region. A quota whose usage is not known has no `used`.
   *
   * @throws DriverError InvalidRequest for an unknown region; Forbidden if the credential may not list quotas
   */
  async read(location: string): Promise<Quota[]> {
    await this.#ec2.requireRegion(location);
    const listed: ListedQuota[] = [];
    for (const service of QUOTA_SERVICES) {
      const quotas = await this.#list(location, service);
      listed.push(...quotas.flatMap((one) => listedQuotaOf(one)));
    }
    const used = await this.#usage.read(
      location,
      listed.map(({ metric }) => metric),
    );
    return listed.map(({ quota }, at) => {
      const usage = used.get(at);
      return usage === undefined ? quota : { ...quota, used: usage };
    });
  }

  async #list(location: string, ServiceCode: string): Promise<ServiceQuota[]> {
    const quotas: ServiceQuota[] = [];
    let next: string | undefined;
    for (let pages = 1; pages <= MAX_PAGES; pages += 1) {
      const command = new ListServiceQuotasCommand({ ServiceCode, MaxResults: PAGE_SIZE, NextToken: next });
      const { Quotas, NextToken } = await ask(this.#options, CALL(location), (options) =>
        this.#client(location).send(command, options),
      );
      quotas.push(...(Quotas ?? []));
      next = NextToken;
      if (!next) break;
    }
    return quotas;
  }

  #client(location: string): ServiceQuotasClient {
    const known = this.#clients.get(location);
    if (known) return known;
    const { endpoint, keys, requestHandler } = this.#options;
    const settings = clientSettings('servicequotas', location, endpoint, requestHandler);
    const client = new ServiceQuotasClient({ ...settings, credentials: keys });
    this.#clients.set(location, client);
    return client;
  }
}

const CALL = (location: string) =>
  ({ action: 'servicequotas:ListServiceQuotas', kind: 'list', location, isOptional: true }) as const;

/**
 * Returns a quota in the terms of the driver contract; nothing if it limits no launch. A negative value means an unlimited
 * quota.
 */
function listedQuotaOf({
  QuotaCode: code = '',
  QuotaName: name = code,
  Value,
  Adjustable,
  UsageMetric: metric,
}: ServiceQuota): ListedQuota[] {
  const known = KNOWN_QUOTAS.get(code);
  if (!known || Value === undefined || Value < 0) return [];
  const { factor = 1, ...counted }: KnownQuota = known;
  const quota: Quota = {
    ...counted,
    unit: unitOf(known, name),
    name,
    limit: Value * factor,
    code,
    ...(Adjustable === undefined ? {} : { isAdjustable: Adjustable }),
  };
  // The metrics of quotas that need a factor would have another unit than the quota.
  return [{ quota, ...(metric && factor === 1 ? { metric } : {}) }];
}
