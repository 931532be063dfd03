import { z } from 'zod';
import { deletionSchema } from './deletion.ts';
import { descriptionSchema, nameSchema } from './identifiers.ts';

/**
 * A request to create a namespace. Namespaces separate tenants. Each connection and each fleet belongs to one
 * namespace.
 */
export const namespaceRequestSchema = z
  .object({ name: nameSchema, description: descriptionSchema.optional() })
  .strict();
export type NamespaceRequest = z.infer<typeof namespaceRequestSchema>;

export const namespaceSchema = z.object({
  name: nameSchema,
  description: z.string().optional(),
  createdAt: z.iso.datetime(),
  deletion: deletionSchema
    .optional()
    .describe(
      'Present while the namespace is being deleted. During that time, nothing can be created in it.',
    ),
});
export type Namespace = z.infer<typeof namespaceSchema>;

/** An API key as users see it after its creation, without the key itself. */
export const apiKeySchema = z.object({
  id: z.string(),
  name: nameSchema,
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  revokedAt: z.iso.datetime().optional(),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

export const apiKeyRequestSchema = z
  .object({ name: nameSchema, expiresAt: z.iso.datetime().optional() })
  .strict();
export type ApiKeyRequest = z.infer<typeof apiKeyRequestSchema>;
