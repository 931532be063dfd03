import * as z from 'zod';
import type { Quota, QuotaUnit } from './quota.ts';
import { type Bucket, MAX_BURST, MAX_PER_SECOND, MIN_PER_SECOND, rateSchema } from './rate.ts';

/** Limits that a cloud applies to an account at one location, as a sync of the inventory read them from quotas. */
export const appliedLimitsSchema = z.object({ calls: z.object({ create: rateSchema }) });
export type AppliedLimits = z.infer<typeof appliedLimitsSchema>;

/**
 * Returns the limits that quotas state. Undefined if they state none, or none with which a call could go out: a cloud that
 * reports a rate as zero, negative or unlimited says nothing that calls could be paced by.
 */
export function appliedLimitsOf(quotas: readonly Quota[]): AppliedLimits | undefined {
  const figure = (unit: QuotaUnit) => quotas.find((quota) => quota.unit === unit)?.limit;
  const perSecond = figure('createCallsPerSecond');
  const atOnce = figure('createCallsAtOnce');
  if (perSecond === undefined || atOnce === undefined) return undefined;
  if (perSecond < MIN_PER_SECOND || perSecond > MAX_PER_SECOND || atOnce < 1) return undefined;
  const create: Bucket = { perSecond, burst: Math.min(MAX_BURST, Math.max(atOnce, perSecond)) };
  return { calls: { create } };
}
