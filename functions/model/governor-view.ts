import * as z from 'zod';
import { cloudWordSchema, fleetIdSchema } from './identifiers.ts';
import { CALL_KINDS, CONNECTION_BUCKETS } from './limit-profile.ts';
import { quotaSubjectSchema } from './quota-subject.ts';

/** Maximum number of locations in the view of one connection. */
export const MAX_SHOWN_LOCATIONS = 200;

const timeSchema = z.iso.datetime();
const taken = { taken: z.int(), of: z.int() };
const maybeTaken = { taken: z.int(), of: z.int().exactOptional().describe('Absent: any number.') };

/** One reason why launches wait, or are slower than the limit profile allows. */
const reasonSchema = z.discriminatedUnion('why', [
  z.object({ why: z.literal('slots'), ...taken }).describe('All slots of the location are taken.'),
  z
    .object({ why: z.literal('locations'), ...taken })
    .describe("Other locations use all of the connection's location slots."),
  z
    .object({ why: z.literal('rate'), nextCallAt: timeSchema })
    .describe('The rate limit or the minimum spacing delays the next create call until `nextCallAt`.'),
  z
    .object({
      why: z.literal('throttled'),
      call: z.enum([...CALL_KINDS, 'instances']),
      share: z
        .number()
        .describe("The rate multiplier: the part of the profile's rate that is used, from 0 to 1."),
      sinceAt: timeSchema.exactOptional().describe('Time of the latest throttle.'),
      until: timeSchema.exactOptional().describe('No call of this kind is sent before this time.'),
    })
    .describe(
      'The cloud throttled calls of this kind. The governor lowered their rate, and raises it again step by step.',
    ),
  z
    .object({ why: z.literal('outage'), sinceAt: timeSchema, nextProbeAt: timeSchema })
    .describe(
      'The location has accepted no call since `sinceAt`. One launch at a time tests whether it accepts calls again.',
    ),
  z
    .object({
      why: z.literal('capacity'),
      instanceType: z.string(),
      zone: z.string().exactOptional().describe('Absent: any zone of the location.'),
      market: z.string(),
      sinceAt: timeSchema,
      until: timeSchema.describe(
        'Before this time, launches move to another location if they can. From this time on, one launch tests whether there is capacity again.',
      ),
      probing: z.boolean().describe('True while a launch tests whether there is capacity again.'),
    })
    .describe('The cloud had no capacity of this instance type.'),
  z
    .object({
      why: z.literal('quota'),
      of: quotaSubjectSchema.describe(
        'What the quota counts. A used-up quota stops only launches that need more than is left.',
      ),
      family: z
        .string()
        .exactOptional()
        .describe('With `of` = `family`: the family of instance types to which the quota applies.'),
      within: z
        .string()
        .exactOptional()
        .describe(
          'The class of instance types that the quota counts. Absent: all instance types, or one family.',
        ),
      market: z
        .string()
        .exactOptional()
        .describe('The market that the quota counts, if it is spot or reserved.'),
      limit: z.number().exactOptional().describe('The limit that the cloud stated.'),
      used: z.number().exactOptional().describe('The amount in use that the cloud stated.'),
      fleet: z.string().exactOptional().describe('Id of the fleet whose request met the quota last.'),
      message: z.string().describe("The cloud's own message."),
      sinceAt: timeSchema,
      retryAt: timeSchema.describe('Time at which one request tests whether the quota has room again.'),
    })
    .describe(
      'A quota of the account is used up. Launches that need it fail or move to another location; for `networks`, they wait. A retry of a fleet asks the cloud immediately.',
    ),
  z
    .object({
      why: z.literal('denied'),
      instanceType: z.string(),
      market: z.string(),
      message: z.string().describe("The cloud's own message."),
      sinceAt: timeSchema,
      retryAt: timeSchema.describe(
        'Time from which one launch tests whether the cloud still denies the call. Another round of a fleet tests it at once.',
      ),
      probing: z.boolean().describe('True while a launch tests whether the cloud still denies the call.'),
    })
    .describe(
      'The cloud accepts the credential and denies creates of this instance type here, for example by a policy, or because the region is not enabled for the account. Launches go to another location.',
    ),
  z
    .object({ why: z.literal('budget'), budget: z.string(), until: timeSchema })
    .describe('The connection has made all create calls that its limits allow in this minute or day.'),
  z
    .object({ why: z.literal('first-instance') })
    .describe('One instance has to run first. All others are launched together after that.'),
]);
export type GovernorReason = z.infer<typeof reasonSchema>;

const callSchema = z.object({
  perSecond: z.number().describe('The rate in force now.'),
  ofPerSecond: z.number().describe('The rate of the limit profile.'),
  blockedUntil: timeSchema
    .exactOptional()
    .describe('No call is sent before this time, because the cloud throttled calls.'),
});

const locationSchema = z.object({
  location: cloudWordSchema,
  inUse: z.boolean().describe("True if the location uses one of the connection's location slots."),
  calls: z.object({
    create: callSchema.exactOptional().describe('Absent: no rate limit applies to create calls.'),
    instances: callSchema
      .exactOptional()
      .describe('Machines per second. Absent: the cloud does not meter machines.'),
    list: callSchema,
    mutate: callSchema,
  }),
  families: z
    .array(z.object({ family: z.string(), instances: callSchema }))
    .exactOptional()
    .describe('Families of instance types with limits of their own. Absent: there are none.'),
  actions: z
    .array(z.object({ action: z.string(), calls: callSchema, instances: callSchema.exactOptional() }))
    .exactOptional()
    .describe('Actions that the cloud meters alone, and that were called at the location.'),
  inFlight: z
    .object(maybeTaken)
    .describe('Number of instances that are being created, and the maximum number at the same time.'),
  waiting: z.object({
    launches: z.int(),
    byFleet: z
      .array(z.object({ fleet: fleetIdSchema, launches: z.int() }))
      .describe('The first 20 fleets whose launches wait.'),
  }),
  reasons: z.array(reasonSchema),
});
export type LocationView = z.infer<typeof locationSchema>;

const budgetSchema = z.object({
  budget: z.enum(['createsPerMinute', 'createsPerDay', 'instances', 'vcpus', 'gpus', 'memoryGb']),
  used: z.number(),
  of: z.number(),
});
export type BudgetView = z.infer<typeof budgetSchema>;

const connectionCallSchema = z.object({
  calls: z.enum(CONNECTION_BUCKETS).describe('`change`: create calls and other changing calls together.'),
  perSecond: z.number().describe('The rate of the limit profile, less the reserve.'),
  used: z.number().describe('The part of the burst, or of the calls of this window, that is used.'),
  of: z.number(),
});

/** The slots and budgets of a connection that are in use, and the current state of its locations. */
export const governorViewSchema = z.object({
  locationsInUse: z.object(maybeTaken),
  budgets: z.array(budgetSchema).describe('The budgets that the limits of the connection set.'),
  connectionCalls: z
    .array(connectionCallSchema)
    .exactOptional()
    .describe('Rates of calls of all locations together. Absent: the limits have none.'),
  locations: z
    .array(locationSchema)
    .describe(
      `The locations where anything was ever launched. Locations in use come first. At most ${MAX_SHOWN_LOCATIONS}.`,
    ),
  locationsLeftOut: z.int().describe('Number of locations that are not listed because the list is full.'),
});
export type GovernorView = z.infer<typeof governorViewSchema>;

export const reopenRequestSchema = z
  .object({ location: cloudWordSchema.exactOptional().describe('Absent: every location.') })
  .strict();

/**
 * For each location, the quotas that launches may test again, and the instance types that the cloud had denied. A quota
 * is named by its family of instance types, or by what it counts, for example `instances` or `vcpus Standard`.
 */
export const reopenedSchema = z.object({
  reopened: z.array(
    z.object({
      location: cloudWordSchema,
      families: z.array(z.string()),
      instanceTypes: z
        .array(z.string())
        .exactOptional()
        .describe('Types that the cloud denied, and that launches may ask for again.'),
    }),
  ),
});
export type Reopened = z.infer<typeof reopenedSchema>;
