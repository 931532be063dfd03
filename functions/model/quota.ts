import * as z from 'zod';
import type { Cloud } from './cloud.ts';
import { cloudWordSchema } from './identifiers.ts';
import type { RequestMore } from './limit-tiers.ts';
import { marketSchema } from './market.ts';

/**
 * What a quota counts. `networkInterfaces`: interfaces or ports, of which each machine needs one. `gateways`: routers or
 * internet gateways. `volumeGb`: the size of all disks together. `publicIps`: addresses that the account reserves, which
 * are not those that a cloud gives a machine by itself. `createCallsAtOnce` and `createCallsPerSecond`: burst and rate of
 * create calls, which are limits rather than quotas; see `appliedLimitsOf`.
 */
export const QUOTA_UNITS = [
  'instances',
  'vcpus',
  'memoryGb',
  'networkInterfaces',
  'networks',
  'subnets',
  'gateways',
  'securityGroups',
  'securityGroupRules',
  'keyPairs',
  'serverGroups',
  'publicIps',
  'volumes',
  'volumeGb',
  'createCallsAtOnce',
  'createCallsPerSecond',
] as const;
export const quotaUnitSchema = z.enum(QUOTA_UNITS);
export type QuotaUnit = z.infer<typeof quotaUnitSchema>;

/** The markets whose machines a cloud may count apart. */
const quotaMarketSchema = marketSchema.extract(['on-demand', 'spot']);

/** Maximum number of quotas of one location that a connection keeps. */
export const MAX_QUOTAS = 100;
/** Maximum length of a quota's name. */
export const MAX_QUOTA_NAME = 200;
/** Maximum of a limit or a usage. A larger figure is no quota. */
const MAX_FIGURE = 1e12;

const figureSchema = z.number().nonnegative().max(MAX_FIGURE);

/** A quota of the account at one location. An unlimited quota is left out of all lists. */
export const quotaSchema = z.object({
  unit: quotaUnitSchema.describe('What the quota counts.'),
  name: z.string().min(1).max(MAX_QUOTA_NAME).describe("The cloud's own name of the quota."),
  instanceClass: z
    .string()
    .min(1)
    .max(100)
    .exactOptional()
    .describe('The class of instance types that the quota counts. Absent: all instance types.'),
  market: quotaMarketSchema
    .exactOptional()
    .describe('The market that the quota counts. Absent: all markets.'),
  diskType: cloudWordSchema
    .exactOptional()
    .describe('The type of the disks that the quota counts. Absent: all types.'),
  limit: figureSchema,
  used: figureSchema.exactOptional().describe('Absent: the cloud does not report it.'),
  code: z
    .string()
    .min(1)
    .max(100)
    .exactOptional()
    .describe('The code to name when you request more, for example `L-1216C47A`.'),
  isAdjustable: z.boolean().exactOptional().describe('False: the provider does not raise the quota.'),
});
export type Quota = z.infer<typeof quotaSchema>;

/** What was read of the quotas at one location. */
export const quotaReadingSchema = z.object({
  location: cloudWordSchema,
  readAt: z.iso
    .datetime()
    .exactOptional()
    .describe('Time at which the quotas were read. Absent: they could not be read yet.'),
  failure: z
    .object({ code: z.string(), message: z.string(), at: z.iso.datetime() })
    .exactOptional()
    .describe('Why the latest attempt to read the quotas failed. The quotas are then those of `readAt`.'),
  quotas: z.array(quotaSchema).max(MAX_QUOTAS),
});
export type QuotaReading = z.infer<typeof quotaReadingSchema>;

/** Says how to request a higher quota, where that is another request than one for higher limits of calls. */
export const REQUEST_QUOTA: Readonly<Partial<Record<Cloud, RequestMore>>> = {
  aws: {
    text: 'Request an increase under Service Quotas, in the region, by the code of the quota.',
    url: 'https://docs.aws.amazon.com/servicequotas/latest/userguide/request-quota-increase.html',
  },
};

/** Maximum number of locations whose quotas the view of a connection has. */
export const MAX_QUOTA_LOCATIONS = 100;

/** The part of a connection's limits that its cloud told. An API of an earlier release answers without it. */
export const quotasViewShape = {
  quotas: z
    .array(quotaReadingSchema)
    .default([])
    .describe(
      `The quotas of the account that the latest syncs of the inventory read, by location. Empty: the driver reads no quotas, or none were read yet. At most ${MAX_QUOTA_LOCATIONS} locations.`,
    ),
  quotaLocationsLeftOut: z
    .int()
    .default(0)
    .describe('Number of locations with quotas that are not listed because the list is full.'),
};
