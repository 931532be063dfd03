import { z } from 'zod';
import { cloudWordSchema, fleetIdSchema } from './identifiers.ts';
import { callKindSchema } from './limit-profile.ts';

/** The most locations shown for one connection. */
export const MAX_SHOWN_LOCATIONS = 200;

const timeSchema = z.iso.datetime();
const taken = { taken: z.int(), of: z.int() };

/** Explains why launches wait, or are slower than the limit profile allows. */
const reasonSchema = z.discriminatedUnion('why', [
  z.object({ why: z.literal('slots'), ...taken }).describe('All slots of the location are taken.'),
  z
    .object({ why: z.literal('locations'), ...taken })
    .describe('Other locations hold all location slots of the connection.'),
  z
    .object({ why: z.literal('rate'), nextCallAt: timeSchema })
    .describe('The rate limit or the minimum spacing delays the next create call until `nextCallAt`.'),
  z
    .object({
      why: z.literal('throttled'),
      call: callKindSchema,
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
      'The location has accepted no call since `sinceAt`. One launch at a time probes whether it does again.',
    ),
  z
    .object({
      why: z.literal('capacity'),
      instanceType: z.string(),
      zone: z.string().exactOptional().describe('Absent: any zone of the location.'),
      market: z.string(),
      sinceAt: timeSchema,
      until: timeSchema.describe(
        'Until then, launches move to another location if they can. After it, one launch probes the capacity.',
      ),
      probing: z.boolean().describe('True while a launch probes the capacity.'),
    })
    .describe('The cloud had no capacity of this instance type.'),
  z
    .object({
      why: z.literal('quota'),
      family: z.string().describe('The family of instance types that the quota is for.'),
      message: z.string().describe("The cloud's own message."),
      sinceAt: timeSchema,
      retryAt: timeSchema.describe('Time at which one launch probes whether the quota was raised.'),
    })
    .describe(
      'The account’s quota is used up. Launches wait until a probe succeeds, or until the connection is reopened.',
    ),
  z
    .object({ why: z.literal('budget'), budget: z.string(), until: timeSchema })
    .describe('The connection has used up its create calls of this minute or day.'),
  z
    .object({ why: z.literal('first-instance') })
    .describe('One instance has to run first. All others are launched together after that.'),
]);
export type GovernorReason = z.infer<typeof reasonSchema>;

const callSchema = z.object({
  perSecond: z.number().describe('The rate in force now.'),
  ofPerSecond: z.number().describe('The rate of the limit profile.'),
  blockedUntil: timeSchema.exactOptional().describe('The cloud asked for no call before this time.'),
});

const locationSchema = z.object({
  location: cloudWordSchema,
  inUse: z.boolean().describe("True if the location holds one of the connection's location slots."),
  calls: z.object({
    create: callSchema.exactOptional().describe('Absent: no rate limit applies to create calls.'),
    list: callSchema,
    mutate: callSchema,
  }),
  inFlight: z.object(taken).describe('How many instances are being created, and the most at a time.'),
  waiting: z.object({
    launches: z.int(),
    byFleet: z
      .array(z.object({ fleet: fleetIdSchema, launches: z.int() }))
      .describe('The first 20 fleets that wait.'),
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

/** Shows what the governor holds for a connection, and the present state of its locations. */
export const governorViewSchema = z.object({
  locationsInUse: z.object(taken),
  budgets: z.array(budgetSchema).describe('The budgets that the connection has.'),
  locations: z
    .array(locationSchema)
    .describe(
      `The locations in which anything was ever launched, those in use first; at most ${MAX_SHOWN_LOCATIONS}.`,
    ),
  locationsLeftOut: z.int().describe('Number of locations that are not listed because the list is full.'),
});
export type GovernorView = z.infer<typeof governorViewSchema>;

export const reopenRequestSchema = z
  .object({ location: cloudWordSchema.exactOptional().describe('Absent: every location.') })
  .strict();

/** Lists quotas that launches may try again. */
export const reopenedSchema = z.object({
  reopened: z.array(z.object({ location: cloudWordSchema, families: z.array(z.string()) })),
});
export type Reopened = z.infer<typeof reopenedSchema>;
