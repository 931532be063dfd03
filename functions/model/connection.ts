import * as z from 'zod';
import { appliedLimitsSchema } from './applied-limits.ts';
import { cloudSchema } from './cloud.ts';
import { deletionSchema } from './deletion.ts';
import { driverNameSchema } from './driver-names.ts';
import { fieldErrorSchema } from './field-error.ts';
import { cloudWordSchema, connectionIdSchema, nameSchema } from './identifiers.ts';
import { keptLimitOverrideSchema, limitOverrideSchema, reportedLimitsSchema } from './limit-profile.ts';
import { networkChoiceSchema } from './network-choice.ts';
import { orphanPolicySchema } from './orphan.ts';

export { DRIVER_NAMES, type DriverName, driverNameSchema } from './driver-names.ts';

/**
 * Maximum size of a credential as JSON, in bytes. It is the maximum size of a standard parameter in Parameter Store.
 */
export const MAX_SECRET_BYTES = 4_096;

/** Returns the JSON text of a credential, which is what the secret store keeps. */
export const secretText = (credential: Readonly<Record<string, string>>): string =>
  JSON.stringify(credential);

/**
 * The fields of a credential, under the names that the connection's driver defines. Only the secret store may keep a
 * credential.
 */
export const credentialSchema = z
  .record(z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/), z.string().min(1).max(MAX_SECRET_BYTES))
  .refine((credential) => Buffer.byteLength(secretText(credential)) <= MAX_SECRET_BYTES, {
    message: `must have at most ${MAX_SECRET_BYTES} bytes as JSON, including the names of its fields`,
    params: { code: 'too-big' },
  });
export type Credential = z.infer<typeof credentialSchema>;

export const connectionRequestSchema = z
  .object({
    name: nameSchema,
    driver: driverNameSchema,
    cloud: cloudSchema,
    credential: credentialSchema,
    endpoint: z
      .url({ protocol: /^https?$/ })
      .max(2_048)
      .optional(),
    limits: limitOverrideSchema.optional(),
    orphans: orphanPolicySchema.optional(),
  })
  .strict();
export type ConnectionRequest = z.infer<typeof connectionRequestSchema>;

/**
 * `Disabled` is set by a user: the connection accepts no new fleet, but its existing fleets continue and can be
 * removed. `Deleting` is never stored. The API shows it while a deletion is under way. The record keeps its earlier
 * status, which the API shows again if the deletion is cancelled.
 */
export const CONNECTION_STATUSES = ['Verifying', 'Ready', 'Failed', 'Disabled', 'Deleting'] as const;
export const connectionStatusSchema = z.enum(CONNECTION_STATUSES);

const failureSchema = z.object({ code: z.string(), message: z.string() });
/** Maximum number of characters of an account id. No cloud has longer ids. */
export const MAX_ACCOUNT = 256;
const accountSchema = z.string().min(1).max(MAX_ACCOUNT);

/**
 * Describes a new credential that must be verified before it is used. Until then, workers use the earlier credential.
 */
export const rotationSchema = z.object({
  version: z.int().positive().describe('Version of the secret.'),
  status: z.enum(['Verifying', 'Failed']),
  requestedAt: z.iso.datetime(),
  failure: failureSchema.optional(),
});

/** A new default network that must be verified before it is used. Until then, the earlier default stays in force. */
export const networkChangeSchema = z.object({
  id: z.string(),
  network: networkChoiceSchema,
  status: z.enum(['Verifying', 'Failed']),
  requestedAt: z.iso.datetime(),
  errors: z.array(fieldErrorSchema).optional().describe('What the cloud has found wrong in the request.'),
});

/** Maximum number of namespaces that a connection is shared with. */
export const MAX_SHARES = 20;

/** A namespace with which a connection is no longer shared, and which may still have fleets or kept disks on it. */
export const unsharingSchema = z.object({
  namespace: nameSchema,
  requestedAt: z.iso.datetime(),
  isForced: z
    .boolean()
    .describe('false: sharing goes on if the namespace has fleets or kept disks on the connection.'),
});

/** Names a location whose catalogue a sync could not read. The catalogue from an earlier sync stays in use. */
export const inventoryFailureSchema = failureSchema.extend({
  location: z.string().optional().describe('Absent: the list of locations itself could not be read.'),
});
export type InventoryFailure = z.infer<typeof inventoryFailureSchema>;

/** One credential for one cloud through one driver. The credential itself is only in the secret store. */
export const connectionSchema = z.object({
  namespace: nameSchema,
  name: nameSchema,
  id: connectionIdSchema.describe(
    'A connection that is deleted and created again under the same name gets another id.',
  ),
  driver: driverNameSchema,
  cloud: cloudSchema,
  endpoint: z.url().optional(),
  limits: keptLimitOverrideSchema.optional(),
  reportedLimits: reportedLimitsSchema
    .optional()
    .describe('Limits that the cloud itself has reported at the latest verification.'),
  appliedLimits: z
    .record(cloudWordSchema, appliedLimitsSchema)
    .optional()
    .describe(
      'Limits that the cloud applies to the account, by location, as the latest syncs of the inventory read them from quotas.',
    ),
  orphans: orphanPolicySchema.optional(),
  network: networkChoiceSchema.optional().describe('The network of fleets whose requests say nothing of it.'),
  networkChange: networkChangeSchema.optional(),
  status: connectionStatusSchema,
  failure: failureSchema.optional(),
  failedAt: z.iso
    .datetime()
    .optional()
    .describe('Time of the first failure since the connection was last verified.'),
  credentialVersion: z.int().positive().optional().describe('Version of the secret that is in force.'),
  rotation: rotationSchema.optional(),
  deletion: deletionSchema.optional(),
  sharedWith: z
    .array(nameSchema)
    .max(MAX_SHARES)
    .optional()
    .describe('The other namespaces whose fleets may use the connection by its name. Absent: none.'),
  unsharing: z
    .array(unsharingSchema)
    .optional()
    .describe(
      'Namespaces that may make no new fleets on the connection any more. What they have on it is managed until it is removed.',
    ),
  /** Grows with each change of `sharedWith` and `unsharing`. Absent: nothing of them was ever changed. */
  sharesVersion: z.int().positive().optional(),
  createdAt: z.iso.datetime(),
  verifiedAt: z.iso.datetime().optional(),
  account: accountSchema
    .optional()
    .describe(
      "The cloud's id of the account that the credential belongs to. Absent: the cloud does not report it.",
    ),
  accountName: accountSchema
    .optional()
    .describe('Display name of the account. Absent: the same as the id of the account.'),
  accountChangedAt: z.iso
    .datetime()
    .optional()
    .describe(
      'Time at which a verification last found that the account had changed. Absent: the account has never changed.',
    ),
  warning: failureSchema
    .optional()
    .describe('A problem that the owner should know about. It does not keep the connection from being used.'),
  inventorySyncedAt: z.iso.datetime().optional().describe('Time at which the whole inventory was last read.'),
  inventoryFailures: z
    .array(inventoryFailureSchema)
    .optional()
    .describe('What the latest sync of the inventory could not read. Absent: the sync read everything.'),
});
export type Connection = z.infer<typeof connectionSchema>;
