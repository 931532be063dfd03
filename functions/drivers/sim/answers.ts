import * as z from 'zod';
import { architectureSchema, gpuSchema, locationSchema } from '../../model/cloud.ts';
import { reportedLimitsSchema } from '../../model/limit-profile.ts';
import { quotaUnitSchema } from '../../model/quota.ts';
import type { CloudVolume } from '../contract/capabilities.ts';
import { type CloudInstance, DEPLOYMENT_TAG, INSTANCE_TAG } from '../contract/driver.ts';
import { parseDiskName, parseMachineName } from '../contract/names.ts';

/** Schema of an error answer. All schemas in this file ignore unknown fields. */
export const errorAnswerSchema = z.object({
  code: z.string().exactOptional(),
  message: z.string().exactOptional(),
  retryAfterMs: z.number().nonnegative().exactOptional(),
});

export const accountAnswerSchema = z.object({
  account: z.string(),
  /** The limits that this cloud enforces. Absent: the answer of an older version. */
  limits: reportedLimitsSchema.optional(),
});
export const notesAnswerSchema = z.object({
  items: z.array(z.object({ name: z.string(), value: z.string() })),
});
export const emptyAnswerSchema = z.object({});

export const instanceAnswerSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  launchToken: z.string().exactOptional(),
  status: z
    .enum([
      'Creating',
      'Running',
      'Suspending',
      'Suspended',
      'Resuming',
      'Rebooting',
      'Failed',
      'Terminating',
      'Terminated',
      'Undefined',
    ])
    .catch('Undefined'),
  zone: z.string().exactOptional(),
  instanceType: z.string().exactOptional(),
  tags: z.record(z.string(), z.string()).exactOptional().describe('Absent: the cloud has no tags.'),
  publicIp: z.string().exactOptional(),
  privateIp: z.string().exactOptional(),
  ipv6: z.string().exactOptional(),
  createdAt: z.iso.datetime().exactOptional(),
  failureMessage: z.string().exactOptional(),
  interrupted: z.boolean().exactOptional().describe('True: the cloud has taken the spot instance back.'),
});
type InstanceAnswer = z.infer<typeof instanceAnswerSchema>;

/** Converts an instance to the terms of the driver contract. */
export function cloudInstance(
  { id, name, tags, createdAt, interrupted, ...rest }: InstanceAnswer,
  deploymentId: string,
): CloudInstance {
  const named = parseMachineName(deploymentId, name);
  const instanceId = tags?.[INSTANCE_TAG] ?? named?.instanceId;
  const launchToken = rest.launchToken ?? named?.launchToken;
  return {
    ...rest,
    backendId: id,
    cloudStatus: rest.status,
    ...(createdAt === undefined ? {} : { createdAtMs: Date.parse(createdAt) }),
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(launchToken === undefined ? {} : { launchToken }),
    ...(interrupted ? { isInterrupted: true } : {}),
  };
}

export const resourceAnswerSchema = z.object({
  id: z.string().min(1),
  subnetId: z.string().exactOptional(),
  networkId: z.string().exactOptional().describe('The network of a security group.'),
  zones: z
    .array(z.string().min(1))
    .exactOptional()
    .describe('The zones in which machines of a network can be.'),
  name: z.string(),
  tags: z.record(z.string(), z.string()).exactOptional(),
  createdAt: z.string().exactOptional(),
});

export type ResourceAnswer = z.infer<typeof resourceAnswerSchema>;

/**
 * Returns true if the resource carries this deployment's tag. If the resource carries no deployment's tag, the
 * resource's name decides.
 */
export function isOf(
  deploymentId: string,
  { name, tags }: { name: string; tags?: Record<string, string> },
  parseName: (deploymentId: string, name: string) => unknown,
): boolean {
  const owner = tags?.[DEPLOYMENT_TAG];
  return owner === undefined ? parseName(deploymentId, name) !== undefined : owner === deploymentId;
}

export const volumeAnswerSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  launchToken: z.string().exactOptional(),
  tags: z.record(z.string(), z.string()).exactOptional(),
  disk: z.union([z.literal('root'), z.int().nonnegative()]).exactOptional(),
  sizeGb: z.number(),
  type: z.string().exactOptional(),
  status: z.string(),
  instanceId: z.string().exactOptional().describe('The instance that uses the volume.'),
  usdPerMonth: z.number().nonnegative().exactOptional(),
  createdAt: z.iso.datetime().exactOptional(),
});

/** Converts a volume to the terms of the driver contract. */
export function cloudVolume(
  { id, name, tags, createdAt, status, instanceId: attachedTo, ...rest }: z.infer<typeof volumeAnswerSchema>,
  deploymentId: string,
): CloudVolume {
  const named = parseDiskName(deploymentId, name);
  const instanceId = tags?.[INSTANCE_TAG] ?? named?.instanceId;
  const launchToken = rest.launchToken ?? named?.launchToken;
  return {
    ...rest,
    backendId: id,
    cloudStatus: status,
    ...(createdAt === undefined ? {} : { createdAtMs: Date.parse(createdAt) }),
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(launchToken === undefined ? {} : { launchToken }),
    ...(attachedTo === undefined ? {} : { attachedTo }),
  };
}

const outcomeErrorSchema = z.object({ status: z.number(), code: z.string(), message: z.string() });

/** The answer to the creation of several machines: one outcome for each, in the order of the request. */
export const createdAnswerSchema = z.object({
  items: z.array(
    z.union([z.object({ instance: instanceAnswerSchema }), z.object({ error: outcomeErrorSchema })]),
  ),
});

export type CreatedItem = z.infer<typeof createdAnswerSchema>['items'][number];

/** The answer to the removal of several machines. An item without an error was accepted. */
export const terminatedAnswerSchema = z.object({
  items: z.array(z.object({ id: z.string(), error: outcomeErrorSchema.exactOptional() })),
});

const offerAnswerSchema = z.object({
  instanceType: z.string(),
  vcpus: z.number(),
  memoryGb: z.number(),
  architecture: architectureSchema,
  gpu: gpuSchema.exactOptional(),
  usdPerHour: z.number().exactOptional(),
  spotUsdPerHour: z.number().exactOptional(),
  available: z.boolean(),
});

const imageAnswerSchema = z.object({
  name: z.string(),
  id: z.string(),
  description: z.string(),
  architectures: z.array(architectureSchema).min(1),
  minDiskGb: z.int().positive().exactOptional(),
});

export interface Page<Item> {
  items: Item[];
  nextCursor?: string | null | undefined;
}

function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullish() });
}

const reservationAnswerSchema = z.object({
  id: z.string(),
  instanceType: z.string(),
  zone: z.string(),
  count: z.int(),
});

const keyAnswerSchema = z.object({ id: z.string(), state: z.string() });
export type KeyAnswer = z.infer<typeof keyAnswerSchema>;

// These schemas are made only once, because making a schema takes much longer than checking a page with it.
/** The quotas that an account can read at a location. The list has no pages. */
export const quotasAnswerSchema = z.object({
  items: z.array(
    z.object({
      unit: quotaUnitSchema,
      name: z.string(),
      market: z.literal('spot').optional(),
      limit: z.number(),
      used: z.number().optional(),
    }),
  ),
});

export const locationPageSchema = pageOf(locationSchema);
export const offerPageSchema = pageOf(offerAnswerSchema);
export const imagePageSchema = pageOf(imageAnswerSchema);
export const resourcePageSchema = pageOf(resourceAnswerSchema);
export const instancePageSchema = pageOf(instanceAnswerSchema);
export const reservationPageSchema = pageOf(reservationAnswerSchema);
export const keyPageSchema = pageOf(keyAnswerSchema);
/** Identities and placement groups. */
export const idPageSchema = pageOf(z.object({ id: z.string() }));
export const volumePageSchema = pageOf(volumeAnswerSchema);
