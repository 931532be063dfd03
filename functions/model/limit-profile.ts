import { z } from 'zod';
import { contradictionsOf } from './limit-contradictions.ts';

/** A whole number. `z.int()` would end the parse before the rules between fields are checked. */
const whole = (max: number) =>
  z
    .number()
    .min(1)
    .max(max)
    .refine(Number.isInteger, { error: 'must be a whole number', params: { code: 'invalid-type' } })
    .meta({ type: 'integer' });

/** One call in 28 hours. A lower rate could not be distinguished from no calls. */
const MIN_PER_SECOND = 0.000_01;
/** No cloud accepts more calls. A rate this high limits nothing. */
export const MAX_PER_SECOND = 10_000;

const rateSchema = z
  .object({
    perSecond: z.number().min(MIN_PER_SECOND).max(MAX_PER_SECOND),
    burst: z.number().min(1).max(MAX_PER_SECOND).describe('Calls that may be made together after a pause.'),
  })
  .strict();
export type Rate = z.infer<typeof rateSchema>;

/** Kinds of call that a cloud counts separately. `mutate` covers network resources and terminations. */
export const CALL_KINDS = ['create', 'list', 'mutate'] as const;
export const callKindSchema = z.enum(CALL_KINDS);
export type CallKind = z.infer<typeof callKindSchema>;

/**
 * Selects how the creates at a location follow one another:
 *
 * - `burst`: as the rate and its burst allow
 * - `even`: one interval between each two creates
 * - `all-at-once`: the cloud queues create calls itself, and no rate limit applies to them. Until an instance has run
 *   at a location, only one is created there
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
  .describe('Upper limits of all instances of the connection together.');
export type Totals = z.infer<typeof totalsSchema>;

const slots = {
  concurrentLocations: whole(1_000),
  concurrentInstancesPerLocation: whole(1_000),
};
const calls = z.object({ create: rateSchema, list: rateSchema, mutate: rateSchema }).strict();
const budgets = {
  createsPerMinute: whole(600_000)
    .exactOptional()
    .describe('Create calls of the connection in any 60 seconds.'),
  createsPerDay: countSchema
    .exactOptional()
    .describe('Create calls of the connection from midnight to midnight UTC.'),
  minimumSpacingMs: whole(86_400_000)
    .exactOptional()
    .describe('Shortest time between two create calls at a location.'),
  totals: totalsSchema.exactOptional(),
};

/**
 * The limits of one cloud for one connection. The governor enforces them over all fleets and processes. The workflows
 * derive their MaxConcurrency from them.
 */
export const limitProfileSchema = z
  .object({ ...slots, calls, pacing: pacingSchema.default('burst'), ...budgets })
  .strict();
export type LimitProfile = z.infer<typeof limitProfileSchema>;

const LIMIT_TIERS = ['default', 'power'] as const;
export const limitTierSchema = z.enum(LIMIT_TIERS);

/**
 * An override as it is stored. The schema accepts each override that was accepted once, even if later rules
 * would refuse it.
 */
export const keptLimitOverrideSchema = z
  .object({
    tier: limitTierSchema
      .exactOptional()
      .describe(
        '`power`: begin with the limits that the provider grants on request, in place of its defaults.',
      ),
    ...slots,
    calls: calls.partial(),
    pacing: pacingSchema,
    ...budgets,
  })
  .partial()
  .strict();

/** The fields that a user may override, each independently. */
export const limitOverrideSchema = keptLimitOverrideSchema.superRefine(
  (override, context) => {
    for (const { path, message } of contradictionsOf(override)) {
      context.addIssue({ code: 'custom', path, message, params: { code: 'contradictory' } });
    }
  },
  { when: () => true },
);
export type LimitOverride = z.infer<typeof limitOverrideSchema>;
