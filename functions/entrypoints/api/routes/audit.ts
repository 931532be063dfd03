import * as z from 'zod';
import { auditEntrySchema, auditResultSchema } from '../../../model/audit-entry.ts';
import { nameSchema } from '../../../model/identifiers.ts';
import { namespaceParams, noParams, pageOf, pageQuery, route } from './route.ts';

const MAX_TEXT = 200;

const auditQuery = pageQuery.extend({
  type: z
    .string()
    .regex(
      /^[a-z-]{0,40}(\.[a-z-]{0,40})?\*?$/,
      'must be a type such as fleet.create, or its beginning and *',
    )
    .optional()
    .describe('Only entries of this type. `fleet.*`: of all types that begin so.'),
  actor: z
    .string()
    .min(1)
    .max(MAX_TEXT)
    .optional()
    .describe('Only entries of this actor: its kind (`sweep`), its name, or both (`key/0123456789ab`).'),
  target: z
    .string()
    .min(1)
    .max(MAX_TEXT)
    .optional()
    .describe('Only entries about this: a kind (`fleet`), a name or id, or both (`fleet/web-global`).'),
  result: auditResultSchema.optional(),
  since: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('Only entries from this time on. Entries are kept for 400 days.'),
  until: z.iso.datetime({ offset: true }).optional().describe('Only entries before this time.'),
});

export const auditRoutes = [
  route({
    operationId: 'listNamespaceAudit',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/audit',
    handler: 'access',
    summary:
      'List who did what in a namespace, newest first, since the namespace was created. With a filter, a page may be short or empty and still have a cursor',
    needs: 'admin',
    params: namespaceParams,
    query: auditQuery,
    status: 200,
    response: pageOf(auditEntrySchema),
  }),
  route({
    operationId: 'listAudit',
    method: 'GET',
    path: '/v1/audit',
    handler: 'access',
    summary:
      'List who did what in all namespaces, also deleted ones, and in none, newest first. With a filter, a page may be short or empty and still have a cursor',
    needs: 'platform-admin',
    params: noParams,
    query: auditQuery.extend({
      namespace: z
        .union([nameSchema, z.literal('*')])
        .optional()
        .describe('Only entries of this namespace. `*`: only those of no namespace.'),
    }),
    status: 200,
    response: pageOf(auditEntrySchema),
  }),
] as const;
