import { CloudWatchClient, GetMetricDataCommand, type MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import type { MetricInfo } from '@aws-sdk/client-service-quotas';
import { DriverError } from '../contract/errors.ts';
import { ask } from './ask.ts';
import type { Ec2Options } from './ec2.ts';
import { clientSettings } from './settings.ts';

/** EC2 reports its usage every five minutes. A metric without a value in the last hour tells nothing. */
const PERIOD_SECONDS = 300;
const WINDOW_MS = 3_600_000;

/** Reads the usage of quotas from the metrics that Service Quotas names. */
export class QuotaUsage {
  readonly #options: Ec2Options;
  readonly #clients = new Map<string, CloudWatchClient>();

  constructor(options: Ec2Options) {
    this.#options = options;
  }

  /**
   * Reads the latest value of each metric, in one request. The usage is not needed to read quotas: if the request fails,
   * for example because the credential may not read metrics, no usage is known.
   *
   * @returns the usage by the index in `metrics`; metrics without a recent value are absent
   */
  async read(location: string, metrics: readonly (MetricInfo | undefined)[]): Promise<Map<number, number>> {
    const MetricDataQueries = metrics.flatMap((metric, at) => queryOf(metric, at) ?? []);
    if (MetricDataQueries.length === 0) return new Map();
    const nowMs = this.#options.clock.now();
    const command = new GetMetricDataCommand({
      MetricDataQueries,
      StartTime: new Date(nowMs - WINDOW_MS),
      EndTime: new Date(nowMs),
      ScanBy: 'TimestampDescending',
    });
    try {
      const { MetricDataResults } = await ask(this.#options, CALL(location), (options) =>
        this.#client(location).send(command, options),
      );
      return new Map(
        (MetricDataResults ?? []).flatMap(({ Id = '', Values: [latest] = [] }) => {
          const at = /^q(\d+)$/.exec(Id)?.[1];
          return at === undefined || latest === undefined ? [] : [[Number(at), latest] as const];
        }),
      );
    } catch (error) {
      if (error instanceof DriverError) return new Map();
      throw error;
    }
  }

  #client(location: string): CloudWatchClient {
    const known = this.#clients.get(location);
    if (known) return known;
    const { endpoint, keys, requestHandler } = this.#options;
    const settings = clientSettings('monitoring', location, endpoint, requestHandler);
    const client = new CloudWatchClient({ ...settings, credentials: keys });
    this.#clients.set(location, client);
    return client;
  }
}

const CALL = (location: string) =>
  ({ action: 'cloudwatch:GetMetricData', kind: 'list', location, isOptional: true }) as const;

function queryOf(metric: MetricInfo | undefined, at: number): MetricDataQuery | undefined {
  const { MetricNamespace, MetricName, MetricDimensions = {}, MetricStatisticRecommendation } = metric ?? {};
  if (!MetricNamespace || !MetricName) return undefined;
  const Dimensions = Object.entries(MetricDimensions).map(([Name, Value]) => ({ Name, Value }));
  return {
    Id: `q${at}`,
    MetricStat: {
      Metric: { Namespace: MetricNamespace, MetricName, Dimensions },
      Period: PERIOD_SECONDS,
      Stat: MetricStatisticRecommendation ?? 'Maximum',
    },
  };
}
