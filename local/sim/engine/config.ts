import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { architectureSchema, gpuSchema } from '../../../functions/model/cloud.ts';
import { DEFAULT_DISK_TYPES, diskTypeConfigSchema, encryptionKeySchema } from './disk-input.ts';
import { faultSchema } from './faults.ts';
import { accountRuleSchema } from './records.ts';
import { meteredActionSchema } from './requests.ts';

const rateSchema = z.object({ perSecond: z.number().positive(), burst: z.number().min(1) }).strict();
/** Rate limits of one call, which the cloud counts apart from other calls of its kind. */
const actionRatesSchema = z
  .object({
    calls: rateSchema,
    instances: rateSchema
      .exactOptional()
      .describe('Rate limit of the instances that the calls name. Absent: only calls are limited.'),
  })
  .strict();
const rangeSchema = z
  .tuple([z.number().nonnegative(), z.number().nonnegative()])
  .refine(([low, high]) => low <= high, 'the first number must not be above the second');

const reservationConfigSchema = z.strictObject({
  instanceType: z.string().min(1),
  zone: z.string().min(1),
  count: z.int().positive().describe('Maximum number of instances in the reservation at the same time.'),
});

const spotConfigSchema = z.strictObject({
  priceFactor: z.number().positive().default(0.35).describe('Multiplies the on-demand price.'),
  instanceQuota: z
    .int()
    .nonnegative()
    .optional()
    .describe(
      'Maximum number of spot instances of an account at a location. Absent: they count in the quota of all instances.',
    ),
});

const locationConfigSchema = z
  .object({
    displayName: z.string().min(1),
    country: z.string().length(3).describe('ISO 3166-1 alpha-3'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    zones: z.array(z.string().min(1)).min(1),
    zoneCapacity: z
      .record(z.string(), z.int().nonnegative())
      .optional()
      .describe('Maximum number of instances of an account in a zone. Absent for a zone: no maximum.'),
    zoneSpotCapacity: z
      .record(z.string(), z.int().nonnegative())
      .optional()
      .describe('Maximum number of spot instances of an account in a zone. Absent for a zone: no maximum.'),
    reservations: z
      .record(z.string(), reservationConfigSchema)
      .optional()
      .describe('Reservations that every account has at the location, by id.'),
    priceFactor: z.number().positive().default(1).describe('Multiplies usdPerHour of each type.'),
    instanceQuota: z.int().nonnegative().optional().describe("Replaces the cloud's instanceQuota."),
    vcpuQuota: z.int().nonnegative().optional().describe("Replaces the cloud's vcpuQuota."),
    up: z.boolean().default(true),
  })
  .strict();

const instanceTypeConfigSchema = z
  .object({
    vcpus: z.int().positive(),
    memoryGb: z.number().positive(),
    architecture: architectureSchema.default('x86_64'),
    gpu: gpuSchema.strict().optional(),
    usdPerHour: z
      .number()
      .nonnegative()
      .optional()
      .describe('Price in a location whose priceFactor is 1. Absent: the cloud publishes no price.'),
    onlyIn: z.array(z.string()).optional().describe('Locations that offer the type. Absent: all.'),
  })
  .strict();

const imageConfigSchema = z
  .object({
    backendId: z.string().min(1).describe('Template of the id; see drawId in engine/draw.ts.'),
    description: z.string(),
    architectures: z.array(architectureSchema).min(1).default(['x86_64']),
    minDiskGb: z.int().positive().default(8).describe('Least size of a root disk that a create names.'),
  })
  .strict();

export const cloudConfigSchema = z
  .object({
    slots: z
      .object({
        locations: z.int().positive().nullish(),
        instancesPerLocation: z.int().positive().nullish(),
      })
      .strict()
      .describe(
        'Limits on instances not yet Running: locations with such instances, and such instances at one location. Absent or null: no limit.',
      ),
    rates: z
      .object({
        create: rateSchema,
        list: rateSchema,
        mutate: rateSchema,
        instances: rateSchema
          .optional()
          .describe('Rate limit of the instances that create calls ask for. Absent: only calls are limited.'),
        actions: z
          .partialRecord(meteredActionSchema, actionRatesSchema)
          .optional()
          .describe('Calls that are counted apart. All other calls are counted by their kind.'),
      })
      .strict()
      .describe('Rate limits for each account and location.'),
    instancesPerCall: z
      .int()
      .min(1)
      .max(1_000)
      .default(1)
      .describe('Maximum number of instances that one create call may ask for.'),
    submitMs: rangeSchema.describe('Time until the cloud has accepted a create call.'),
    bootSeconds: rangeSchema.describe('Time from the end of submitMs until the instance is Running.'),
    answersWhenRunning: z
      .boolean()
      .default(false)
      .describe('True: a create call is answered when the boot has ended.'),
    terminateSeconds: rangeSchema.default([1, 4]),
    addressSeconds: rangeSchema
      .default([0, 0])
      .describe('Time from Running until the cloud shows the addresses of an instance.'),
    powerSeconds: rangeSchema.default([1, 3]).describe('Time until a stop, start or reboot has ended.'),
    instanceQuota: z.int().nonnegative().describe('Maximum number of instances of an account at a location.'),
    vcpuQuota: z
      .int()
      .nonnegative()
      .optional()
      .describe('Maximum number of vCPUs of all instances of an account at a location. Absent: no maximum.'),
    showsQuotas: z
      .boolean()
      .default(false)
      .describe('True: accounts can read their quotas. False: they have quotas that they cannot read.'),
    networkQuota: z
      .int()
      .nonnegative()
      .optional()
      .describe('Maximum number of networks of an account at a location. Absent: no maximum.'),
    spot: spotConfigSchema
      .nullable()
      .default({ priceFactor: 0.35 })
      .describe('The spot market, for each type with a price. Null: the cloud has none.'),
    honoursTokens: z.boolean().default(true),
    tags: z
      .boolean()
      .default(true)
      .describe('False: the cloud shows no tags and no launch tokens, and finds instances only by name.'),
    diskTypes: z
      .record(z.string(), diskTypeConfigSchema)
      .default(DEFAULT_DISK_TYPES)
      .describe('Types of disks. A create call may name one for each disk.'),
    defaultDiskType: z.string().default('gp3'),
    rootDiskGb: z.int().positive().default(20).describe('Size of a root disk that names none.'),
    encryptionKeys: z
      .array(encryptionKeySchema)
      .default([{ id: 'alias/fleets', state: 'enabled' }])
      .describe('Keys with which an account may encrypt disks. With a key that is not enabled, it cannot.'),
    identities: z
      .array(z.string().min(1))
      .default(['web-servers'])
      .describe('Names of the identities that machines may have.'),
    placementGroups: z
      .array(z.string().min(1))
      .default(['apart', 'near'])
      .describe('Names of the placement groups, at each location.'),
    listDelayMs: z.int().min(0).max(3_000).default(0).describe('Age of the state that lists and finds show.'),
    ipv6: z
      .boolean()
      .default(false)
      .describe('True: instances have an IPv6 address, from 2001:db8::/32 (RFC 3849).'),
    ids: z
      .object({
        instance: z.string(),
        network: z.string(),
        subnet: z.string(),
        securityGroup: z.string(),
        keyPair: z.string(),
      })
      .strict(),
    locations: z.record(z.string(), locationConfigSchema),
    instanceTypes: z.record(z.string(), instanceTypeConfigSchema),
    images: z.record(z.string(), imageConfigSchema),
  })
  .strict();
export type CloudConfig = z.output<typeof cloudConfigSchema>;

export const simConfigSchema = z
  .object({
    seed: z.int().default(1),
    pageSize: z.int().min(1).max(1_000).default(1_000).describe('Maximum number of items in one answer.'),
    clouds: z.record(z.string(), cloudConfigSchema),
    accounts: z.record(z.string(), accountRuleSchema).default({}),
    faults: z.array(faultSchema).default([]),
  })
  .strict();
export type SimConfig = z.output<typeof simConfigSchema>;

/** Thrown for a config file that is not valid. The message states the errors. */
export class SimConfigError extends Error {
  override readonly name = 'SimConfigError';
}

const CLOUDS_FOLDER = join(import.meta.dirname, '..', 'clouds');

/**
 * Loads the simulated clouds' default config and applies the user's file. Maps are merged name by name. Everything else
 * (numbers, lists, ranges) is replaced.
 *
 * @throws SimConfigError
 */
export function loadSimConfig(file?: string): SimConfig {
  const defaults = { clouds: Object.fromEntries(readdirSync(CLOUDS_FOLDER).sort().map(readCloud)) };
  return parseSimConfig(file === undefined ? {} : readYaml(file), defaults);
}

/** Parses a config. @throws SimConfigError naming every invalid field */
export function parseSimConfig(overrides: unknown, defaults: unknown = {}): SimConfig {
  const parsed = simConfigSchema.safeParse(merge(defaults, overrides ?? {}));
  if (!parsed.success)
    throw new SimConfigError(
      `the configuration of the simulated clouds is wrong:\n${z.prettifyError(parsed.error)}`,
    );
  return parsed.data;
}

function readCloud(file: string): [string, unknown] {
  return [basename(file, '.yaml'), readYaml(join(CLOUDS_FOLDER, file))];
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SimConfigError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function merge(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over))
    merged[key] = key in base ? merge(base[key], value) : value;
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
