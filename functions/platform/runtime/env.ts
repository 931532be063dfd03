import * as z from 'zod';
import { allowedAddressesSchema } from '../../drivers/contract/outgoing-address.ts';
import { addressPoolSchema } from '../../model/address-range.ts';
import { driverNameSchema } from '../../model/connection.ts';
import { deploymentIdSchema } from '../../model/identifiers.ts';

const jsonSchema = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON' });
    return z.NEVER;
  }
});

/**
 * All environment variables that a function may read. `infra` sets each variable together with the permission that its
 * use needs.
 */
const variables = {
  AWS_REGION: z.string().min(1).describe('Region of the function. Lambda sets it.'),
  DEPLOYMENT_ID: deploymentIdSchema.describe(
    'Deployment id, which is the value of the tag fleetwright:deployment. It is used only if the tables have none yet.',
  ),
  WRITER_ID: z
    .string()
    .regex(/^[a-z0-9-]{3,64}$/)
    .describe('UUID of the stack. It distinguishes deployments that have the same deployment id.'),
  DEPLOYMENT_ID_NAMED: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .describe('True if the operator chose the deployment id. The tables must then not have another id.'),
  DRIVER_TIMEOUT_SECONDS: z.coerce
    .number()
    .int()
    .positive()
    .describe("Time limit of the driver's function. No worker runs longer."),
  NETWORK_GRACE_SECONDS: z.coerce
    .number()
    .int()
    .nonnegative()
    .describe('Time for which a shared network resource is kept after its last fleet has left it.'),
  NETWORK_POOL: addressPoolSchema.describe('CIDR from which shared networks get their address ranges.'),
  FLEETS_TABLE: z.string().min(1),
  GOVERNOR_TABLE: z.string().min(1),
  CATALOGUE_TABLE: z.string().min(1),
  ACCESS_TABLE: z.string().min(1).describe('Table of namespaces, API keys and connections.'),
  HISTORY_TABLE: z.string().min(1),
  AUDIT_BUCKET: z.string().min(3).describe('Bucket to which the audit log is exported.'),
  AUDIT_TABLE: z.string().min(1).describe('Table of the audit log.'),
  QUEUE_URLS: jsonSchema
    .pipe(z.partialRecord(driverNameSchema, z.url()))
    .describe('URL of the queue of each deployed driver, as JSON.'),
  PROVISION_FLEET_ARN: z.string().startsWith('arn:'),
  TERMINATE_FLEET_ARN: z.string().startsWith('arn:'),
  SECRETS_PREFIX: z
    .string()
    .startsWith('/')
    .describe('Prefix of the Parameter Store path <prefix>/<driver>/<namespace>/<connection>/<id>.'),
  SECRETS_KEY: z
    .string()
    .startsWith('arn:')
    .optional()
    .describe('ARN of the KMS key of new secrets. Absent: the account’s key aws/ssm.'),
  WAITING_REQUESTS: z.coerce
    .number()
    .int()
    .nonnegative()
    .describe('Number of API requests that may wait for an instance at a time.'),
  OIDC_ISSUER: z.string().describe('URL of the issuer whose tokens the API accepts. Empty: none.'),
  OIDC_AUDIENCE: z.string().describe('Audience that tokens must have.'),
  OIDC_SUBJECT_CLAIM: z.string().min(1).describe('Claim of tokens with the name of the user.'),
  OIDC_GROUPS_CLAIM: z.string().min(1).describe('Claim of tokens with the names of the groups of the user.'),
  FIRST_ADMINISTRATOR: z
    .string()
    .describe('Subject of tokens that has all rights without a binding. Empty: none.'),
  ALLOWED_ADDRESSES: allowedAddressesSchema.describe(
    'Addresses and hosts that are not public and to which requests may be sent, in CIDR notation and as names.',
  ),
  ALLOW_ENDPOINT_OVERRIDE: z.enum(['true', 'false']).transform((text) => text === 'true'),
} as const;

type Variables = typeof variables;
export const variableNameSchema = z.object(variables).keyof();
export type VariableName = z.infer<typeof variableNameSchema>;
export type Env<Name extends VariableName> = { readonly [Key in Name]: z.output<Variables[Key]> };

/**
 * Reads and checks the variables that a function declares. Handlers call this once, when their module loads.
 *
 * @throws Error that names every variable that is missing or wrong, without their values
 */
export function readEnv<Name extends VariableName>(
  names: readonly Name[],
  source: Record<string, string | undefined> = process.env,
): Env<Name> {
  const shape = Object.fromEntries(names.map((name) => [name, variables[name]]));
  const parsed = z.object(shape).safeParse(source);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`environment variables are wrong: ${wrong.join('; ')}`);
  }
  return parsed.data as Env<Name>;
}
