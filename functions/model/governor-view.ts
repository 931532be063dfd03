import { z } from 'zod';
import { cloudWordSchema, fleetIdSchema } from './identifiers.ts';
import { callKindSchema } from './limit-profile.ts';

/** The most locations shown for one connection. */
export const MAX_SHOWN_LOCATIONS = 200;

const timeSchema = z.iso.datetime();
const taken = { taken: z.int(), of: z.int() };

/** Explains why launches wait, or are slower than the limit profile allows. */
const reasonSchema = z.discriminatedUnion('why', [
  z.object({ why: z.literal('slots'), ...taken }).describe('all slots of the location are taken'),
  z
    .object({ why: z.literal('locations'), ...taken })
    .describe('all location slots of the connection are taken by other locations'),
  z
    .object({ why: z.literal('rate'), nextCallAt: timeSchema })
    .describe('creates up to then are spoken for, by the rate or the spacing'),
  z
    .object({
      why: z.literal('throttled'),
      call: callKindSchema,
      share: z.number().describe("the part of the profile's rate that goes out, from 0 to 1"),
      sinceAt: timeSchema.exactOptional().describe('the latest throttle'),
      until: timeSchema.exactOptional().describe('nothing goes out before'),
    })
    .describe('the cloud refused calls of this kind as too many: slower, and faster again bit by bit'),
  z
    .object({ why: z.literal('outage'), sinceAt: timeSchema, nextProbeAt: timeSchema })
    .describe('the location has taken no call since; one launch at a time finds out whether it is back'),
  z
    .object({
      why: z.literal('capacity'),
      instanceType: z.string(),
      zone: z.string().exactOptional().describe('absent: wherever in the location'),
      market: z.string(),
      sinceAt: timeSchema,
      until: timeSchema.describe('launches that can go elsewhere do until then; one finds out after it'),
      probing: z.boolean().describe('a launch is finding out whether there is something again'),
    })
    .describe('the cloud had nothing left of it'),
  z
    .object({
      why: z.literal('quota'),
      family: z.string().describe('of instance types'),
      message: z.string().describe("the cloud's words"),
      sinceAt: timeSchema,
      retryAt: timeSchema.describe('one launch finds out then whether it was raised'),
    })
    .describe('the account’s quota is used up: closed until raised or retried'),
  z
    .object({ why: z.literal('budget'), budget: z.string(), until: timeSchema })
    .describe("the connection's creates of this minute or day are used up"),
  z
    .object({ why: z.literal('first-instance') })
    .describe('one instance has to run before all others go at once'),
]);
export type GovernorReason = z.infer<typeof reasonSchema>;

const callSchema = z.object({
  perSecond: z.number().describe('now'),
  ofPerSecond: z.number().describe('by the profile'),
  blockedUntil: timeSchema.exactOptional().describe('the cloud asked for this'),
});

const locationSchema = z.object({
  location: cloudWordSchema,
  inUse: z.boolean().describe("whether it holds one of the connection's location slots"),
  calls: z.object({
    create: callSchema.exactOptional().describe('absent: rates do not hold creates back'),
    list: callSchema,
    mutate: callSchema,
  }),
  inFlight: z.object(taken).describe('instances being created, of how many at a time'),
  waiting: z.object({
    launches: z.int(),
    byFleet: z.array(z.object({ fleet: fleetIdSchema, launches: z.int() })).describe('the first 20'),
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
  budgets: z.array(budgetSchema).describe('those that the connection has'),
  locations: z
    .array(locationSchema)
    .describe(`where anything was ever launched, ${MAX_SHOWN_LOCATIONS} at most; those in use first`),
  locationsLeftOut: z.int().describe('for want of room'),
});
export type GovernorView = z.infer<typeof governorViewSchema>;

export const reopenRequestSchema = z
  .object({ location: cloudWordSchema.exactOptional().describe('absent: every location') })
  .strict();

/** Lists quotas that launches may try again. */
export const reopenedSchema = z.object({
  reopened: z.array(z.object({ location: cloudWordSchema, families: z.array(z.string()) })),
});
export type Reopened = z.infer<typeof reopenedSchema>;
