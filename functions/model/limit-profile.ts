import { z } from 'zod';
import { contradictionsOf } from './limit-contradictions.ts';

/** A whole number. `z.int()` would end the parse, and the rules between fields would not be heard. */
const whole = (max: number) =>
  z
    .number()
    .min(1)
    .max(max)
    .refine(Number.isInteger, { error: 'must be a whole number', params: { code: 'invalid-type' } })
    .meta({ type: 'integer' });

/** One call in 28 hours. What comes still more rarely would never be seen to come. */
const MIN_PER_SECOND = 0.000_01;
/** No cloud takes more calls, and a rate of so many holds nothing back. */
export const MAX_PER_SECOND = 10_000;

const rateSchema = z
  .object({
    perSecond: z.number().min(MIN_PER_SECOND).max(MAX_PER_SECOND),
    burst: z.number().min(1).max(MAX_PER_SECOND).describe('calls that may be made at once after a rest'),
  })
  .strict();
export type Rate = z.infer<typeof rateSchema>;

/** Calls that a cloud counts apart. Network resources and terminations are `mutate`. */
export const CALL_KINDS = ['create', 'list', 'mutate'] as const;
export const callKindSchema = z.enum(CALL_KINDS);
export type CallKind = z.infer<typeof callKindSchema>;

/**
 * How creates follow one another at a location. `burst`: as the rate and its burst allow. `even`: each at its interval
 * after the one before. `all-at-once`: the cloud queues by itself, so that call rates do not hold creates back; the
 * first instance at a location goes alone until one has run there.
 */
const PACINGS = ['burst', 'even', 'all-at-once'] as const;
const pacingSchema = z.enum(PACINGS);

const countSchema = whole(10_000_000);
const totalsSchema = z
  .object({
    instances: countSchema,
    vcpus: countSchema,
    gpus: countSchema,
    memoryGb: z.number().min(0.001).max(1_000_000_000),
  })
  .partial()
  .strict()
  .describe('what all instances of the connection may have together');
export type Totals = z.infer<typeof totalsSchema>;

const slots = {
  concurrentLocations: whole(1_000),
  concurrentInstancesPerLocation: whole(1_000),
};
const calls = z.object({ create: rateSchema, list: rateSchema, mutate: rateSchema }).strict();
const budgets = {
  createsPerMinute: whole(600_000).exactOptional().describe('of the connection, in any 60 seconds'),
  createsPerDay: countSchema.exactOptional().describe('of the connection, from midnight to midnight UTC'),
  minimumSpacingMs: whole(86_400_000).exactOptional().describe('between two creates at a location'),
  totals: totalsSchema.exactOptional(),
};

/**
 * What a cloud allows one connection. The governor holds it over all fleets and processes; the workflows
 * take their MaxConcurrency from it.
 */
export const limitProfileSchema = z
  .object({ ...slots, calls, pacing: pacingSchema.default('burst'), ...budgets })
  .strict();
export type LimitProfile = z.infer<typeof limitProfileSchema>;

const LIMIT_TIERS = ['default', 'power'] as const;
export const limitTierSchema = z.enum(LIMIT_TIERS);

/** An override as it is kept. What was accepted once can be read, whatever rules came later. */
export const keptLimitOverrideSchema = z
  .object({
    tier: limitTierSchema
      .exactOptional()
      .describe('power: what the provider grants on request, in place of its defaults'),
    ...slots,
    calls: calls.partial(),
    pacing: pacingSchema,
    ...budgets,
  })
  .partial()
  .strict();

/** What a user may override, each field alone. */
export const limitOverrideSchema = keptLimitOverrideSchema.superRefine(
  (override, context) => {
    for (const { path, message } of contradictionsOf(override)) {
      context.addIssue({ code: 'custom', path, message, params: { code: 'contradictory' } });
    }
  },
  { when: () => true },
);
export type LimitOverride = z.infer<typeof limitOverrideSchema>;
