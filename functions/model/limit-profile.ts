import * as z from 'zod';
import { cloudWordSchema } from './identifiers.ts';
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

const machinesPerCall = whole(1_000);

/** The cloud's name of an action, as the call gate passes it: `ec2:TerminateInstances`. */
const actionNameSchema = z.string().regex(/^[a-z0-9-]+:[A-Za-z0-9 -]{1,100}$/);
const actionLimitsSchema = z
  .object({
    calls: rateSchema,
    instances: rateSchema
      .exactOptional()
      .describe('Rate of the machines that the calls are about, if the cloud meters these, too.'),
  })
  .strict();
export type ActionLimits = z.infer<typeof actionLimitsSchema>;
const actions = z
  .record(actionNameSchema, actionLimitsSchema)
  .describe(
    'Actions that the cloud meters in buckets of their own, by name. Calls of such an action use these buckets, and not that of their kind.',
  );

/** Buckets that a cloud fills for all locations of an account together. */
export const CONNECTION_BUCKETS = ['create', 'list', 'mutate', 'change'] as const;
export type ConnectionBucket = (typeof CONNECTION_BUCKETS)[number];
const connectionCalls = <Limit extends z.ZodType>(rate: Limit) =>
  z.partialRecord(z.enum(CONNECTION_BUCKETS), rate);

const MOST_FAMILIES = 100;
/** A family of instance types: `m6i` for `m6i.large`, `n2-standard` for `n2-standard-4`. */
const familyNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const familyLimitsSchema = z
  .object({
    instances: rateSchema.describe('How many machines of these types are created at a location.'),
  })
  .strict();
const ofFamilies = <Limits extends z.ZodType>(limits: Limits) =>
  z
    .record(familyNameSchema, limits)
    .refine((byName) => Object.keys(byName).length <= MOST_FAMILIES, {
      error: `must have at most ${MOST_FAMILIES} families`,
      params: { code: 'too-big' },
    })
    .describe(
      'Limits of families of instance types, which their machines keep in addition to those of the location.',
    );

const MOST_LOCATIONS = 200;
const locationLimits = {
  concurrentInstancesPerLocation: slots.concurrentInstancesPerLocation.nullable(),
  calls: calls.partial(),
  instances: rateSchema.nullable(),
  machinesPerCall: machinesPerCall.nullable(),
  actions,
};
const locations = z
  .record(cloudWordSchema, z.object(locationLimits).partial().strict())
  .refine((byName) => Object.keys(byName).length <= MOST_LOCATIONS, {
    error: `must have at most ${MOST_LOCATIONS} locations`,
    params: { code: 'too-big' },
  })
  .describe('Limits that are other at some locations, by the name of the location.');

const reserveSchema = z
  .number()
  .min(0)
  .lt(1)
  .describe('Part of all rates that is left for other programs in the account. Bursts are used whole.');

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
    machinesPerCall: machinesPerCall
      .exactOptional()
      .describe(
        'Maximum number of machines in one create call. Absent: as many as the driver asks for in one.',
      ),
    actions: actions.exactOptional(),
    connectionCalls: connectionCalls(rateSchema)
      .exactOptional()
      .describe(
        'Calls of all locations together, if the cloud also meters the whole account. Each call keeps these rates and those of its location. `change`: create calls and other changing calls together.',
      ),
    families: ofFamilies(familyLimitsSchema).exactOptional(),
    locations: locations.exactOptional(),
    reserve: reserveSchema.exactOptional(),
    pacing: pacingSchema.default('burst'),
    ...budgets,
  })
  .strict();
export type LimitProfile = z.infer<typeof limitProfileSchema>;

const LIMIT_TIERS = ['cautious', 'default', 'power'] as const;
export const limitTierSchema = z.enum(LIMIT_TIERS);
export type LimitTier = z.infer<typeof limitTierSchema>;

/**
 * Limits that the cloud itself reports for an account: a simulated cloud's own limits, or applied quotas. They replace
 * the default limits, also by higher ones.
 */
export const reportedLimitsSchema = z
  .object({
    concurrentLocations: slots.concurrentLocations.nullable(),
    concurrentInstancesPerLocation: slots.concurrentInstancesPerLocation.nullable(),
    calls: calls.partial(),
    instances: rateSchema.nullable(),
    machinesPerCall: machinesPerCall.nullable(),
    actions,
  })
  .partial();
export type ReportedLimits = z.infer<typeof reportedLimitsSchema>;

/**
 * A limit override as it is stored. This schema does not check the rules between fields, because a stored override may
 * be older than a rule.
 */
export const keptLimitOverrideSchema = z
  .object({
    tier: limitTierSchema
      .exactOptional()
      .describe(
        'The profile whose limits the override changes. `cautious`: the semaphores that a peer has published, and low rates. `power`: the limits that the provider grants on request. Otherwise: the default limits of the driver and the cloud, or those that the cloud reports.',
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
    machinesPerCall: machinesPerCall
      .nullable()
      .describe(
        'null: as many as the driver asks for in one call. 1: each machine has a create call of its own.',
      ),
    actions: z
      .record(actionNameSchema, actionLimitsSchema.nullable())
      .describe('Each replaces the default of its action. null: the action uses the bucket of its kind.'),
    connectionCalls: connectionCalls(rateSchema.nullable()).describe(
      'Each replaces the default rate of these calls of all locations together. null: the cloud does not meter them.',
    ),
    families: ofFamilies(familyLimitsSchema.nullable()),
    locations,
    reserve: reserveSchema,
    pacing: pacingSchema,
    ...budgets,
  })
  .partial()
  .strict();

/** A limit override as a user writes it. All fields are optional, and no two fields may contradict each other. */
export const limitOverrideSchema = keptLimitOverrideSchema.superRefine(
  (override, context) => {
    for (const { path, code, message } of contradictionsOf(override)) {
      context.addIssue({ code: 'custom', path, message, params: { code } });
    }
  },
  { when: () => true },
);
export type LimitOverride = z.infer<typeof limitOverrideSchema>;
