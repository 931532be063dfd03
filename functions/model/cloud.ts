import * as z from 'zod';
import { cloudWordSchema } from './identifiers.ts';
import { missingRightSchema } from './location-rights.ts';

export const CLOUDS = [
  'aws',
  'azure',
  'gcp',
  'alibaba',
  'tencent',
  'ibm',
  'ncp',
  'openstack',
  'oracle',
  'nhn',
  'kt',
  'ktclassic',
  'mock',
] as const;
export const cloudSchema = z.enum(CLOUDS);
export type Cloud = z.infer<typeof cloudSchema>;

/** Why a cloud lets this connection use no location that it has. */
export const locationDenialSchema = z.object({
  code: z.string().describe("The cloud's own code, or `Forbidden`."),
  message: z.string().describe("The cloud's own message."),
  since: z.iso.datetime().optional().describe('Time at which a sync first found this.'),
  askedAgainAt: z.iso
    .datetime()
    .optional()
    .describe('Time from which a sync asks the cloud again. `POST …/sync-inventory` asks at once.'),
});
export type LocationDenial = z.infer<typeof locationDenialSchema>;

export const locationSchema = z.object({
  name: cloudWordSchema,
  displayName: z.string(),
  country: z
    .string()
    .length(3)
    .optional()
    .describe('ISO 3166-1 alpha-3 code. Absent: the cloud does not report it.'),
  latitude: z.number().min(-90).max(90).optional(),
  longitude: z.number().min(-180).max(180).optional(),
  zones: z.array(cloudWordSchema),
  available: z.boolean(),
  unavailable: locationDenialSchema
    .optional()
    .describe(
      'Set if the cloud denies the location to the credential or its account: by a policy, because the region is not enabled, or while the cloud validates the account there.',
    ),
  missingRights: z
    .array(missingRightSchema)
    .optional()
    .describe(
      'Calls of a launch that the cloud denies to the credential here, by the last verification. Absent: the rights were not checked here.',
    ),
  rightsCheckedAt: z.iso.datetime().optional(),
});
export type Location = z.infer<typeof locationSchema>;

export const architectureSchema = z.enum(['x86_64', 'arm64']);
export type Architecture = z.infer<typeof architectureSchema>;

export const gpuSchema = z.object({
  model: z.string(),
  manufacturer: z.string(),
  count: z.int().positive(),
  memoryGb: z.number().positive().describe('Memory of one GPU.'),
});

export const instanceTypeSchema = z.object({
  name: cloudWordSchema,
  vcpus: z.number().positive(),
  memoryGb: z.number().positive(),
  architecture: architectureSchema,
  gpu: gpuSchema.optional(),
});
export type InstanceType = z.infer<typeof instanceTypeSchema>;

export const offerSchema = z.object({
  id: z
    .string()
    .describe(
      '{location}-{zone|noZone}-{type}. A later sync of the inventory does not change the id of an offer.',
    ),
  location: cloudWordSchema,
  zone: cloudWordSchema.optional().describe('Absent: the offer is for the whole location.'),
  instanceType: cloudWordSchema,
  priceUsdPerHour: z.number().nonnegative().optional().describe('Absent: the cloud reports no price.'),
  spotPriceUsdPerHour: z
    .number()
    .nonnegative()
    .optional()
    .describe('Absent: the cloud does not offer this instance type as spot.'),
  available: z.boolean(),
});
export type Offer = z.infer<typeof offerSchema>;

export const imageSchema = z.object({
  name: cloudWordSchema.describe('The name to use in a fleet request.'),
  location: cloudWordSchema.optional().describe('Absent: the image is the same in every location.'),
  backendId: z.string(),
  description: z.string(),
  architectures: z.array(architectureSchema).min(1),
  available: z.boolean(),
  minDiskGb: z
    .int()
    .positive()
    .optional()
    .describe('The least size of a root disk for the image, in GB. Absent: not known, or any size.'),
  sshUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/)
    .optional()
    .describe('The user that signs in to its machines by SSH. Absent: not known.'),
});
export type Image = z.infer<typeof imageSchema>;

export function offerId(location: string, zone: string | undefined, instanceType: string): string {
  return `${location}-${zone ?? 'noZone'}-${instanceType}`;
}
