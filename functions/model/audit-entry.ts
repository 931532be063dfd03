import * as z from 'zod';
import { actorSchema } from './actor.ts';
import { nameSchema } from './identifiers.ts';

/** Time for which entries are kept, in days. */
export const AUDIT_DAYS = 400;

/** The kinds of things that acts are about. */
export const TARGET_KINDS = [
  'api-key',
  'binding',
  'connection',
  'fleet',
  'instance',
  'namespace',
  'network',
  'orphan',
  'path',
  'sweep',
  'volume',
] as const;
export const targetKindSchema = z.enum(TARGET_KINDS);
export type TargetKind = z.infer<typeof targetKindSchema>;

export const auditTargetSchema = z.object({
  kind: targetKindSchema.describe('Kind of the thing; `path`: the path of a refused request.'),
  name: z.string().optional().describe('Name of the thing, as the request or the record has it.'),
  id: z
    .string()
    .optional()
    .describe('Id of the thing. Absent: it has none, or the act did not find the thing.'),
});
export type AuditTarget = z.infer<typeof auditTargetSchema>;

export const auditResultSchema = z
  .enum(['succeeded', 'refused', 'failed', 'unknown'])
  .describe(
    '`refused`: the API has refused the request, and nothing changed. `failed`: an internal error; the act may be half done. `unknown`: the process ended before it could tell the result.',
  );
export type AuditResult = z.infer<typeof auditResultSchema>;

export const auditTypeSchema = z
  .string()
  .regex(/^[a-z-]{1,40}\.[a-z-]{1,40}$/)
  .describe(
    'The thing and the act, such as `fleet.create`, `connection.rotate-credential` or `orphan.terminating`.',
  );

/** Facts about an act, which depend on its type. They are short, and contain no secret. */
export const auditDataSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
export type AuditData = z.infer<typeof auditDataSchema>;

/** One entry of the audit log. It is written once and never changed. */
export const auditEntrySchema = z.object({
  id: z.string().describe('Identifies the entry. Entries of one time are in the order of their ids.'),
  at: z.iso
    .datetime()
    .describe('When the act began. For requests that were refused before they began: the minute.'),
  type: auditTypeSchema,
  namespace: nameSchema
    .optional()
    .describe('The namespace of the thing. Absent: the act belongs to no namespace that the caller has.'),
  actor: actorSchema.describe('Who acted.'),
  target: auditTargetSchema.describe('What the act is about.'),
  result: auditResultSchema,
  code: z.string().optional().describe('The code of the problem with which the API answered.'),
  requestId: z
    .string()
    .optional()
    .describe('Id of the API request. The answer and the log lines have it, too.'),
  source: z
    .object({
      ip: z.string().describe('Address of the client, as API Gateway saw it.'),
      userAgent: z.string().optional().describe('What the client said of itself. It proves nothing.'),
    })
    .optional()
    .describe('Where the request came from. Absent: the act was no request.'),
  data: auditDataSchema.optional().describe('Further facts, which depend on the type.'),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;
