import * as z from 'zod';

/** A disk of a create call. `deleteOnTermination` concerns data disks only. */
export const diskRequestSchema = z
  .object({
    name: z.string().min(1).max(256).optional().describe('The name of the volume.'),
    sizeGb: z.int().positive().optional(),
    type: z.string().min(1).max(128).optional(),
    iops: z.int().positive().optional(),
    throughputMbps: z.int().positive().optional(),
    encrypted: z.boolean().optional(),
    encryptionKeyId: z.string().min(1).max(512).optional(),
    deleteOnTermination: z.boolean().optional(),
  })
  .strict();
export type DiskRequest = z.infer<typeof diskRequestSchema>;

export const diskTypeConfigSchema = z
  .object({
    maxIops: z.int().positive().optional().describe('Absent: a disk of this type takes no IOPS.'),
    maxThroughputMbps: z.int().positive().optional().describe('Absent: it takes no throughput.'),
    usdPerGbMonth: z.number().nonnegative().optional().describe('Absent: the cloud publishes no price.'),
  })
  .strict();

/** The disk types of a simulated cloud whose config names none. */
export const DEFAULT_DISK_TYPES = {
  gp3: { maxIops: 16_000, maxThroughputMbps: 1_000, usdPerGbMonth: 0.08 },
  io2: { maxIops: 64_000, usdPerGbMonth: 0.125 },
  standard: { usdPerGbMonth: 0.05 },
} as const;

const keyStateSchema = z.enum(['enabled', 'disabled', 'pending-deletion']);

/** A key with which an account may encrypt disks. A key that is named only by its id is enabled. */
export const encryptionKeySchema = z
  .union([z.string().min(1), z.strictObject({ id: z.string().min(1), state: keyStateSchema })])
  .transform((key) => (typeof key === 'string' ? { id: key, state: 'enabled' as const } : key));
