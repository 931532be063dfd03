import { z } from 'zod';
import { cloudSchema } from './cloud.ts';
import { nameSchema } from './identifiers.ts';
import { limitOverrideSchema } from './limit-profile.ts';
import { orphanPolicySchema } from './orphan.ts';

/** Every driver that a connection may name; `drivers/registry.ts` has the metadata of each. */
export const DRIVER_NAMES = ['sim', 'aws', 'openstack', 'cb-spider'] as const;
export const driverNameSchema = z.enum(DRIVER_NAMES);
export type DriverName = z.infer<typeof driverNameSchema>;

/** A credential's fields, by the names that its driver gives them. Goes to the secret store and nowhere else. */
export const credentialSchema = z.record(
  z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/),
  z.string().min(1).max(8_192),
);
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

export const CONNECTION_STATUSES = ['Verifying', 'Ready', 'Failed'] as const;
export const connectionStatusSchema = z.enum(CONNECTION_STATUSES);

/** One credential for one cloud through one driver. The secret itself is only in the secret store. */
export const connectionSchema = z.object({
  namespace: nameSchema,
  name: nameSchema,
  driver: driverNameSchema,
  cloud: cloudSchema,
  endpoint: z.url().optional(),
  limits: limitOverrideSchema.optional(),
  orphans: orphanPolicySchema.optional(),
  status: connectionStatusSchema,
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  createdAt: z.iso.datetime(),
  verifiedAt: z.iso.datetime().optional(),
  inventorySyncedAt: z.iso.datetime().optional(),
});
export type Connection = z.infer<typeof connectionSchema>;
