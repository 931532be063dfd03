import { z } from 'zod';
import { architectureSchema, gpuSchema, locationSchema } from '../../model/cloud.ts';
import { type CloudInstance, INSTANCE_TAG } from '../driver.ts';

/** What the simulated clouds answer. A field that we do not know is let pass, as with any cloud. */
export const errorAnswerSchema = z.object({
  code: z.string().exactOptional(),
  message: z.string().exactOptional(),
  retryAfterMs: z.number().nonnegative().exactOptional(),
});

export const accountAnswerSchema = z.object({ account: z.string() });
export const emptyAnswerSchema = z.object({});

export const instanceAnswerSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  launchToken: z.string().exactOptional(),
  status: z
    .enum(['Creating', 'Running', 'Failed', 'Terminating', 'Terminated', 'Undefined'])
    .catch('Undefined'),
  zone: z.string().exactOptional(),
  tags: z.record(z.string(), z.string()),
  publicIp: z.string().exactOptional(),
  privateIp: z.string().exactOptional(),
  createdAt: z.string().exactOptional(),
  failureMessage: z.string().exactOptional(),
});
type InstanceAnswer = z.infer<typeof instanceAnswerSchema>;

/** An instance's answer in the words of the driver contract. */
export function cloudInstance({ id, name, tags, ...rest }: InstanceAnswer): CloudInstance {
  return { ...rest, backendId: id, instanceId: tags[INSTANCE_TAG] ?? name };
}

export const resourceAnswerSchema = z.object({ id: z.string().min(1), subnetId: z.string().exactOptional() });

export const offerAnswerSchema = z.object({
  instanceType: z.string(),
  vcpus: z.number(),
  memoryGb: z.number(),
  architecture: architectureSchema,
  gpu: gpuSchema.exactOptional(),
  usdPerHour: z.number().exactOptional(),
  available: z.boolean(),
});

export const imageAnswerSchema = z.object({
  name: z.string(),
  id: z.string(),
  description: z.string(),
  architectures: z.array(architectureSchema).min(1),
});

export const locationAnswerSchema = locationSchema;

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullish() });
}
