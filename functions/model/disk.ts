import * as z from 'zod';
import { cloudWordSchema } from './identifiers.ts';

/** Maximum size of a disk, in GB. EC2's largest volumes have this size. */
const MAX_DISK_GB = 65_536;
/** Maximum number of data disks of one instance. */
export const MAX_DATA_DISKS = 16;

/** Names of encryption keys, as the cloud spells them: an id, an alias or an ARN. */
const encryptionKeyIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,511}$/,
    'must be 1 to 512 characters of letters, digits and . _ : / -',
  );

const sizeGbSchema = z.int().min(1).max(MAX_DISK_GB);
const diskShape = {
  type: cloudWordSchema
    .optional()
    .describe("The cloud's name of the disk type. Absent: the driver's default."),
  iops: z.int().min(1).max(1_000_000).optional().describe('I/O operations per second.'),
  throughputMbps: z.int().min(1).max(100_000).optional().describe('MiB per second.'),
  encrypted: z.boolean().optional().describe('Absent: as the cloud account decides.'),
  encryptionKeyId: encryptionKeyIdSchema
    .optional()
    .describe("The customer's key. Absent: the cloud's own key, if the disk is encrypted."),
};

interface Encryption {
  encrypted?: boolean | undefined;
  encryptionKeyId?: string | undefined;
}
const fitsKey = ({ encrypted, encryptionKeyId }: Encryption) =>
  encrypted !== false || encryptionKeyId === undefined;
const KEY_NEEDS_ENCRYPTION = {
  path: ['encryptionKeyId'],
  message: 'must be left out, because `encrypted` is false',
  params: { code: 'contradictory' },
};

export const rootDiskSchema = z
  .strictObject({
    sizeGb: sizeGbSchema.optional().describe("Absent: the image's or the instance type's own size."),
    ...diskShape,
  })
  .refine(fitsKey, KEY_NEEDS_ENCRYPTION);
export type RootDisk = z.infer<typeof rootDiskSchema>;

export const dataDiskSchema = z
  .strictObject({
    sizeGb: sizeGbSchema.describe('Size of the disk, in GB.'),
    ...diskShape,
    deleteOnTermination: z
      .boolean()
      .default(true)
      .describe('False: the disk is kept when its machine is removed, and costs money until it is removed.'),
  })
  .refine(fitsKey, KEY_NEEDS_ENCRYPTION);
export type DataDisk = z.infer<typeof dataDiskSchema>;

export const dataDisksSchema = z.array(dataDiskSchema).min(1).max(MAX_DATA_DISKS);

/** The disk fields of a node group, and of a request for a single instance. */
export interface DiskFields {
  /** The size of the root disk, in GB: the older field, which `rootDisk` replaces. */
  rootDiskGb?: number | undefined;
  rootDisk?: RootDisk | undefined;
  dataDisks?: DataDisk[] | undefined;
}

/** The error of a request that has both `rootDisk` and the older `rootDiskGb`. */
export const ROOT_DISK_TWICE = {
  field: 'rootDiskGb',
  code: 'contradictory',
  message: 'must be left out beside rootDisk: give the size as rootDisk.sizeGb',
} as const;

export const hasRootDiskTwice = ({
  rootDiskGb,
  rootDisk,
}: {
  rootDiskGb?: unknown;
  rootDisk?: unknown;
}): boolean => rootDiskGb !== undefined && rootDisk !== undefined;

/** Returns the root disk that a node group requests; undefined if the group leaves it to the image and the type. */
export function rootDiskOf({ rootDiskGb, rootDisk }: DiskFields): RootDisk | undefined {
  return rootDisk ?? (rootDiskGb === undefined ? undefined : { sizeGb: rootDiskGb });
}

/** Returns true if the group has data disks that are kept when their machines are removed. */
export const keepsDisks = ({ dataDisks = [] }: DiskFields): boolean =>
  dataDisks.some(({ deleteOnTermination }) => !deleteOnTermination);

/** A customer's encryption key, and the field of a node group that names it. */
export interface NamedKey {
  field: `${'rootDisk' | `dataDisks/${number}`}/encryptionKeyId`;
  id: string;
}

/** Returns the encryption keys that the disks of a node group name, the root disk's first. */
export function encryptionKeysOf({
  rootDisk,
  dataDisks = [],
}: Pick<DiskFields, 'rootDisk' | 'dataDisks'>): NamedKey[] {
  const named = [
    { field: 'rootDisk/encryptionKeyId' as const, id: rootDisk?.encryptionKeyId },
    ...dataDisks.map(({ encryptionKeyId: id }, at) => ({
      field: `dataDisks/${at}/encryptionKeyId` as const,
      id,
    })),
  ];
  return named.flatMap(({ field, id }) => (id === undefined ? [] : [{ field, id }]));
}

/**
 * Returns the size of all disks that a node group requests for one instance, in GB; undefined if it requests none with
 * a size.
 */
export function requestedGb(fields: DiskFields): number | undefined {
  const sizes = [rootDiskOf(fields)?.sizeGb, ...(fields.dataDisks ?? []).map(({ sizeGb }) => sizeGb)];
  const known = sizes.filter((sizeGb) => sizeGb !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, sizeGb) => sum + sizeGb, 0);
}
