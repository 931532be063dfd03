import * as z from 'zod';
import { grantedNamespacesSchema, roleSchema } from './access.ts';
import { actorSchema } from './actor.ts';

const SUBJECT_KINDS = ['user', 'group', 'aws'] as const;

/** ARN of a user or role of IAM, or of a session of a role. */
const AWS_PRINCIPAL = /^arn:aws[a-z-]*:(iam|sts)::\d{12}:(user|role|assumed-role)\/[\w+=,.@/-]{1,512}$/;

/** Whom a binding is about: who sends a request, or a group of that user. */
export const subjectSchema = z.object({
  kind: z.enum(SUBJECT_KINDS),
  /** Value of the token's claim, or the ARN of `awsPrincipal`. */
  name: z.string(),
  /** The issuer that names the user or group. Absent for `aws`. */
  issuer: z.string().optional(),
});
export type Subject = z.infer<typeof subjectSchema>;

const subjectShape = {
  kind: z
    .enum(SUBJECT_KINDS)
    .describe(
      '`user` and `group`: a user or group of the deployment’s issuer of tokens, as the token names it. `aws`: a user or role of AWS IAM.',
    ),
  name: z
    .string()
    .min(1)
    .max(600)
    .describe(
      'The subject or group in tokens, exactly as there; or the ARN of an IAM user or role. The path of a role and the session of a role are left out.',
    ),
};

export const bindingIdSchema = z.string().regex(/^[0-9a-f]{24}-[0-9a-f]{8}$/);

/** A request to give a role to a user, a group or a principal of AWS. */
export const bindingRequestSchema = z
  .strictObject({
    ...subjectShape,
    role: roleSchema.describe('At most that of the caller.'),
    namespaces: grantedNamespacesSchema
      .optional()
      .describe('Only namespaces of the caller. Absent: those of the caller.'),
  })
  .superRefine(({ kind, name }, context) => {
    if (kind !== 'aws' || AWS_PRINCIPAL.test(name)) return;
    const message = 'must be the ARN of a user or role of IAM';
    context.addIssue({ code: 'custom', path: ['name'], params: { code: 'invalid-format' }, message });
  });
export type BindingRequest = z.infer<typeof bindingRequestSchema>;

/** A role in some or all namespaces that a user, a group or a principal of AWS has. */
export const bindingSchema = z.object({
  id: bindingIdSchema,
  ...subjectShape,
  issuer: z.string().optional().describe('The issuer that names the user or group. Absent for `aws`.'),
  role: roleSchema,
  namespaces: grantedNamespacesSchema,
  createdAt: z.iso.datetime(),
  createdBy: actorSchema.describe('Who made the binding.'),
});
export type Binding = z.infer<typeof bindingSchema>;

/**
 * Returns the ARN by which bindings name a principal of AWS: of a role without its path, because the ARN of its sessions has no
 * path, and without the name of the session.
 */
export function awsPrincipal(arn: string): string {
  const [, partition, account, kind, rest = ''] =
    /^arn:([^:]+):(?:iam|sts)::(\d+):(role|assumed-role)\/(.+)$/.exec(arn) ?? [];
  if (partition === undefined) return arn;
  const parts = rest.split('/');
  const role = kind === 'role' ? parts.at(-1) : parts[0];
  return `arn:${partition}:iam::${account}:role/${role}`;
}
