import { z } from 'zod';
import type { Cloud } from './cloud.ts';

const rateSchema = z
  .object({
    perSecond: z.number().positive().max(10_000),
    burst: z.number().min(1).max(10_000).describe('calls that may be made at once after a rest'),
  })
  .strict()
  .refine(({ perSecond, burst }) => perSecond <= burst, {
    path: ['burst'],
    params: { code: 'contradictory' },
    error: 'must not be below perSecond, which could never be reached',
  });
export type Rate = z.infer<typeof rateSchema>;

/** Calls that a cloud counts apart. Network resources and terminations are `mutate`. */
export const CALL_KINDS = ['create', 'list', 'mutate'] as const;
export const callKindSchema = z.enum(CALL_KINDS);
export type CallKind = z.infer<typeof callKindSchema>;

/**
 * What a cloud allows one connection. The governor holds it over all fleets and processes; the workflows
 * take their MaxConcurrency from it.
 */
export const limitProfileSchema = z
  .object({
    concurrentLocations: z.int().min(1).max(1_000),
    concurrentInstancesPerLocation: z.int().min(1).max(1_000),
    calls: z.object({ create: rateSchema, list: rateSchema, mutate: rateSchema }).strict(),
  })
  .strict();
export type LimitProfile = z.infer<typeof limitProfileSchema>;

/** What a user may override, each field alone. */
export const limitOverrideSchema = z
  .object({
    concurrentLocations: limitProfileSchema.shape.concurrentLocations,
    concurrentInstancesPerLocation: limitProfileSchema.shape.concurrentInstancesPerLocation,
    calls: z.object({ create: rateSchema, list: rateSchema, mutate: rateSchema }).partial().strict(),
  })
  .partial()
  .strict();
export type LimitOverride = z.infer<typeof limitOverrideSchema>;

function profile(locations: number, instances: number, create: Rate, listPerSecond: number): LimitProfile {
  return {
    concurrentLocations: locations,
    concurrentInstancesPerLocation: instances,
    calls: {
      create,
      list: { perSecond: listPerSecond, burst: listPerSecond },
      mutate: { perSecond: create.perSecond * 2, burst: create.burst * 2 },
    },
  };
}

/**
 * Slots are the published semaphores of CB-Tumblebug 0.13.0 (its create limits per provider), list rates its
 * status calls per second; create rates are conservative figures of our own until a cloud's are measured.
 */
export const DEFAULT_LIMIT_PROFILES: Readonly<Record<Cloud, LimitProfile>> = {
  aws: profile(30, 20, { perSecond: 5, burst: 20 }, 10),
  azure: profile(30, 20, { perSecond: 4, burst: 12 }, 8),
  gcp: profile(30, 20, { perSecond: 6, burst: 20 }, 12),
  alibaba: profile(30, 20, { perSecond: 4, burst: 10 }, 6),
  tencent: profile(30, 20, { perSecond: 3, burst: 10 }, 5),
  ibm: profile(30, 20, { perSecond: 3, burst: 8 }, 5),
  ncp: profile(5, 15, { perSecond: 2, burst: 5 }, 3),
  openstack: profile(30, 20, { perSecond: 3, burst: 10 }, 5),
  oracle: profile(30, 20, { perSecond: 3, burst: 10 }, 5),
  nhn: profile(30, 20, { perSecond: 2, burst: 5 }, 5),
  kt: profile(30, 20, { perSecond: 2, burst: 5 }, 5),
  ktclassic: profile(30, 20, { perSecond: 2, burst: 5 }, 5),
  mock: profile(30, 20, { perSecond: 10, burst: 20 }, 10),
};

/** The profile in force: the cloud's default with the connection's overrides on top. */
export function limitProfileOf(cloud: Cloud, override: LimitOverride | undefined): LimitProfile {
  const base = DEFAULT_LIMIT_PROFILES[cloud];
  if (!override) return base;
  const { calls, ...slots } = override;
  return limitProfileSchema.parse({ ...base, ...slots, calls: { ...base.calls, ...calls } });
}
