import { z } from 'zod';
import { contradictionsOf } from './limit-contradictions.ts';
import { rateSchema } from './rate.ts';

/**
 * Accepts whole numbers from 1 to `max`. With `z.int()`, a fraction would end the parse before the rules between fields
 * are checked.
 */
const whole = (max: number) =>
  z
    .number()
    .min(1)
    .max(max)
    .refine(Number.isInteger, { error: 'must be a whole number', params: { code: 'invalid-type' } })
    .meta({ type: 'integer' });

/** Kinds of call that a cloud counts separately. `mutate` covers network resources and terminations. */
export const CALL_KINDS = ['create', 'list', 'mutate'] as const;
export const callKindSchema = z.enum(CALL_KINDS);
export type CallKind = z.infer<typeof callKindSchema>;

/**
 * Selects how the create calls at a location follow one another:
 *
 * - `burst`: each call is sent as soon as the rate and its burst allow it
 * - `even`: the time between two create calls is always the same
 * - `all-at-once`: the cloud itself queues create calls, and no rate limit applies to them. Until the first instance at
 *   a location runs, no other instance is created there
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
  .describe('Upper limits for all instances of the connection together.');
export type Totals = z.infer<typeof totalsSchema>;

const slots = {
  concurrentLocations: whole(1_000),
  concurrentInstancesPerLocation: whole(1_000),
};
const calls = z.object({ create: rateSchema, list: rateSchema, mutate: rateSchema }).strict();
const instances = rateSchema.describe(
  'How many machines the cloud creates, if it meters machines and create calls apart. A create call for n machines takes 1 of `calls.create` and n of `instances`.',
);
const budgets = {
  createsPerMinute: whole(600_000)
    .exactOptional()
    .describe('Maximum number of machines that the connection asks for in any 60 seconds.'),
  createsPerDay: countSchema
    .exactOptional()
    .describe('Maximum number of machines that the connection asks for from midnight to midnight UTC.'),
  minimumSpacingMs: whole(86_400_000)
    .exactOptional()
    .describe('Shortest time between two create calls at a location.'),
  totals: totalsSchema.exactOptional(),
};

/**
 * The limits of one connection at its cloud. The governor enforces these limits over all fleets and processes. The
 * workflows' MaxConcurrency is derived from them.
 */
export const limitProfileSchema = z
  .object({
    concurrentLocations: slots.concurrentLocations
      .exactOptional()
      .describe('Locations at which machines are created at the same time. Absent: any number.'),
    concurrentInstancesPerLocation: slots.concurrentInstancesPerLocation
      .exactOptional()
      .describe('Machines that are being created at a location at the same time. Absent: any number.'),
    calls,
    instances: instances.exactOptional(),
    pacing: pacingSchema.default('burst'),
    ...budgets,
  })
  .strict();
export type LimitProfile = z.infer<typeof limitProfileSchema>;

const LIMIT_TIERS = ['default', 'power'] as const;
export const limitTierSchema = z.enum(LIMIT_TIERS);

/**
 * A limit override as it is stored. This schema does not check the rules between fields, because a stored override may
 * be older than a rule.
 */
export const keptLimitOverrideSchema = z
  .object({
    tier: limitTierSchema
      .exactOptional()
      .describe(
        'The profile whose limits the override changes. `power`: the limits that the provider grants on request. Otherwise: the default limits of the cloud.',
      ),
    concurrentLocations: slots.concurrentLocations.nullable().describe('null: any number.'),
    concurrentInstancesPerLocation: slots.concurrentInstancesPerLocation
      .nullable()
      .describe('null: any number.'),
    calls: calls.partial(),
    instances: instances
      .nullable()
      .describe(
        'Rate of machines. null: the cloud meters only calls. Absent: the default; if the override slows create calls down, machines have the same rate as create calls.',
      ),
    pacing: pacingSchema,
    ...budgets,
  })
  .partial()
  .strict();

/** A limit override as a user writes it. All fields are optional, and no two fields may contradict each other. */
export const limitOverrideSchema = keptLimitOverrideSchema.superRefine(
  (override, context) => {
    for (const { path, message } of contradictionsOf(override)) {
      context.addIssue({ code: 'custom', path, message, params: { code: 'contradictory' } });
    }
  },
  { when: () => true },
);
export type LimitOverride = z.infer<typeof limitOverrideSchema>;
