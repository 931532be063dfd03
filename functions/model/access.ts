import * as z from 'zod';
import { actorSchema } from './actor.ts';
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

/** The roles, from the lowest to the highest. Each role may do what the roles before it may do. */
export const ROLES = ['viewer', 'operator', 'admin', 'platform-admin'] as const;
export const roleSchema = z
  .enum(ROLES)
  .describe(
    '`viewer` reads. `operator` also creates and removes fleets. `admin` also manages connections and API keys. `platform-admin` also creates and deletes namespaces, and has all namespaces.',
  );
export type Role = z.infer<typeof roleSchema>;

/** Returns true if a role may do what `needed` may do. */
export const isAtLeast = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);

/** In a list of namespaces: all namespaces, also those that are created later. */
export const ALL_NAMESPACES = '*';
const MAX_NAMESPACES_OF_KEY = 50;

export const grantedNamespacesSchema = z
  .array(
    z
      .string()
      .regex(/^(\*|[a-z0-9-]{3,40})$/, 'must be the name of a namespace, or * alone for all namespaces'),
  )
  .min(1)
  .max(MAX_NAMESPACES_OF_KEY)
  .describe('Names of namespaces; `["*"]`: all namespaces, also those that are created later.');
export type GrantedNamespaces = z.infer<typeof grantedNamespacesSchema>;

/** Returns true if `inner`, a list of names or a single name, belongs to the granted namespaces. */
export function coversNamespaces(granted: GrantedNamespaces, inner: string | readonly string[]): boolean {
  return granted.includes(ALL_NAMESPACES) || [inner].flat().every((name) => granted.includes(name));
}

/** What someone may do: a role, in some namespaces or in all. */
export interface Rights {
  role: Role;
  namespaces: GrantedNamespaces;
}

/** The highest rights. They are those of the first key of a deployment. */
export const ALL_RIGHTS: Rights = { role: 'platform-admin', namespaces: [ALL_NAMESPACES] };

/** Returns true if `outer` includes everything that `inner` allows. */
export function includesRights(outer: Rights, inner: Rights): boolean {
  return isAtLeast(outer.role, inner.role) && coversNamespaces(outer.namespaces, inner.namespaces);
}

/** Caps of an API key, which the API enforces. They are for automated clients. */
export const apiKeyCapsSchema = z
  .strictObject({
    maxTotalUsdPerHour: z
      .number()
      .nonnegative()
      .max(1_000_000)
      .optional()
      .describe(
        'The most that all fleets made by the key may cost per hour together, until they are removed. Each counts with the highest price that its request allows. A request whose price is not known is refused.',
      ),
    maxRemovalsPerDay: z
      .int()
      .nonnegative()
      .max(1_000_000)
      .optional()
      .describe('The most machines and kept disks whose removal the key may request in a day (UTC).'),
  })
  .describe('Absent: no caps. What keys do that this key makes, counts for the caps of this key, too.');
export type ApiKeyCaps = z.infer<typeof apiKeyCapsSchema>;

export const apiKeyIdSchema = z.string().regex(/^[0-9a-f]{12}$/);

/** An API key as users see it after its creation, without the key itself. */
export const apiKeySchema = z.object({
  id: z.string(),
  name: nameSchema,
  role: roleSchema,
  namespaces: grantedNamespacesSchema,
  parentId: z
    .string()
    .optional()
    .describe(
      'The API key that made this key. This key ends when that key, or an ancestor of it, is revoked or expires. Absent: the key was made with AWS rights, or by an earlier version.',
    ),
  madeBy: actorSchema
    .optional()
    .describe(
      'The user that made this key, or the key from which it descends. The key can never do more than this user. Absent: a key of no user.',
    ),
  endedBy: z
    .string()
    .optional()
    .describe('The ancestor whose revocation or expiry has ended the key. Only lists have it.'),
  caps: apiKeyCapsSchema.optional(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  revokedAt: z.iso.datetime().optional(),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

export const apiKeyRequestSchema = z
  .object({
    name: nameSchema,
    role: roleSchema
      .optional()
      .describe(
        'At most that of the caller. Absent: that of the caller; `admin` if the caller is a `platform-admin` and the request names namespaces.',
      ),
    namespaces: grantedNamespacesSchema
      .optional()
      .describe('Only namespaces of the caller. Absent: those of the caller.'),
    caps: apiKeyCapsSchema.optional(),
    expiresAt: z.iso
      .datetime()
      .optional()
      .describe('At the latest when the key of the caller expires. Absent: when it expires, or never.'),
  })
  .strict();
export type ApiKeyRequest = z.infer<typeof apiKeyRequestSchema>;
