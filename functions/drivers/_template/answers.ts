import * as z from 'zod';
import { architectureSchema } from '../../model/cloud.ts';
import type { InstanceStatus } from '../../model/status.ts';
import type { CloudInstance } from '../contract/driver.ts';
import { parseMachineName } from '../contract/names.ts';

// Schemas of the cloud's answers, with only the fields that are used. Unknown fields are ignored. An answer that lacks
// a required field is not valid.

export const accountSchema = z.object({ id: z.string().min(1) });
export const emptySchema = z.object({});
export const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

export const regionSchema = z.object({
  id: z.string().min(1),
  title: z.string(),
  zones: z.array(z.string()).default([]),
  up: z.boolean(),
});

export const sizeSchema = z.object({
  id: z.string().min(1),
  cpus: z.number().positive(),
  memoryMb: z.number().positive(),
  architecture: architectureSchema,
  usdPerHour: z.number().nonnegative().optional(),
  inStock: z.boolean(),
});

export const imageSchema = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  title: z.string(),
  architecture: architectureSchema,
});

export const resourceSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  subnetId: z.string().optional(),
  createdAt: z.iso.datetime().optional(),
});

export const serverSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  state: z.string(),
  stateReason: z.string().optional(),
  size: z.string().optional(),
  zone: z.string().optional(),
  publicIp: z.string().optional(),
  privateIp: z.string().optional(),
  createdAt: z.iso.datetime().optional(),
});

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullish() });
}

/** Maps the cloud's words for a machine's state. Any other word becomes `Undefined`. */
const STATUSES: ReadonlyMap<string, InstanceStatus> = new Map([
  ['building', 'Creating'],
  ['active', 'Running'],
  ['rebooting', 'Rebooting'],
  ['error', 'Failed'],
  ['deleting', 'Terminating'],
  ['deleted', 'Terminated'],
]);

export function cloudInstance(
  { id, name, state, stateReason, size, zone, publicIp, privateIp, createdAt }: z.infer<typeof serverSchema>,
  deploymentId: string,
): CloudInstance {
  const status = STATUSES.get(state) ?? 'Undefined';
  return {
    backendId: id,
    ...parseMachineName(deploymentId, name),
    status,
    ...(zone === undefined ? {} : { zone }),
    ...(size === undefined ? {} : { instanceType: size }),
    ...(publicIp === undefined ? {} : { publicIp }),
    ...(privateIp === undefined ? {} : { privateIp }),
    ...(createdAt === undefined ? {} : { createdAtMs: Date.parse(createdAt) }),
    cloudStatus: state,
    ...(status === 'Failed' ? { failureMessage: stateReason ?? state } : {}),
  };
}
