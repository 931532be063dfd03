import type { QuotaSubject } from '../../../model/quota-subject.ts';
import { figureOf } from '../../contract/quota.ts';
import { type Meaning, meaning, quota, type WordRule } from './rule.ts';

/** Names of Compute Engine's metrics, and what each counts. The first pattern that matches decides. */
const METRICS: readonly (readonly [RegExp, QuotaSubject])[] = [
  [/^PREEMPTIBLE_/, 'spot'],
  [/^CPUS(_ALL_REGIONS)?$/, 'vcpus'],
  [/^INSTANCES$|^VM_INSTANCES|^INSTANCES_PER_/, 'instances'],
  [/ADDRESSES/, 'addresses'],
  [/NETWORK|ROUTER|ROUTE|FIREWALL|SUBNET|VPN/, 'networks'],
  [/DISK|SSD_TOTAL|_GB$|LOCAL_SSD|STORAGE/, 'volumes'],
];

/** A quota of a metric: `Quota 'CPUS' exceeded.  Limit: 24.0 in region us-central1.` */
function ofMetric(words: string): Meaning | undefined {
  const found =
    /Quota '(?<metric>[A-Z0-9_]+)' exceeded\.?\s*(?:Limit: (?<limit>[0-9.,]+))?/i.exec(words) ??
    /\b(?<metric>[A-Z0-9_]+) \(quota: (?<limit>[0-9.]+), used: (?<used>[0-9.]+) \+ needed: (?<requested>[0-9.]+)\)/.exec(
      words,
    );
  if (!found) return undefined;
  const { metric = '', limit, used, requested } = found.groups ?? {};
  const of = METRICS.find(([pattern]) => pattern.test(metric.toUpperCase()))?.[1] ?? 'family';
  const figures = {
    limit: figureOf(limit?.replace(/\.$/, '')),
    used: figureOf(used),
    requested: figureOf(requested),
  };
  const known = Object.entries(figures).filter(([, value]) => value !== undefined);
  return { code: 'QuotaExceeded', quota: { of, ...Object.fromEntries(known) } };
}

/**
 * Words of Compute Engine, as Google's Go client prints them (`googleapi: Error 403: …, reason`). Texts: public issues
 * cloud-barista/cb-spider #1125 and #1186, mesosphere-backup/terraform-dcos #61, PolicyEngine/policyengine-api #177,
 * googleapis/repo-automation-bots #4469; cloud.google.com/compute/docs/troubleshooting/troubleshooting-resource-availability.
 */
export const GCP: readonly WordRule[] = [
  // A rate is also a quota in Google's words. The reason, or a limit "per minute", tells it apart.
  meaning(
    'Throttled',
    /RATE_LIMIT_EXCEEDED|rateLimitExceeded|userRateLimitExceeded|CONCURRENT_OPERATIONS_QUOTA_EXCEEDED|limit '[^']* per (second|minute|day)\b|Quota exceeded for quota (metric|group)/i,
  ),
  meaning(
    'InsufficientCapacity',
    /RESOURCE_POOL_EXHAUSTED|does not have enough resources available|STOCKOUT|resource_availability|is currently unavailable in the \S+ zone|IP_SPACE_EXHAUSTED/i,
  ),
  ofMetric,
  quota('family', /\bQUOTA_EXCEEDED\b|\bquotaExceeded\b/),
  meaning('Conflict', /\bresourceNotReady\b|\bresourceInUseByAnotherResource\b/),
  meaning('InvalidRequest', /googleapi: Error 400\b/i),
];
