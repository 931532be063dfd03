import * as z from 'zod';
import { appliedLimitsSchema } from '../../../model/applied-limits.ts';
import { cloudSchema } from '../../../model/cloud.ts';
import {
  connectionRequestSchema,
  connectionSchema,
  credentialSchema,
  driverNameSchema,
} from '../../../model/connection.ts';
import { connectionHealthSchema } from '../../../model/denied-call.ts';
import { governorViewSchema, reopenedSchema, reopenRequestSchema } from '../../../model/governor-view.ts';
import { cloudWordSchema, nameSchema } from '../../../model/identifiers.ts';
import {
  keptLimitOverrideSchema,
  limitOverrideSchema,
  limitProfileSchema,
  limitTierSchema,
  reportedLimitsSchema,
} from '../../../model/limit-profile.ts';
import { limitSourceSchema } from '../../../model/limit-source.ts';
import { connectionNetworkSchema } from '../../../model/network-choice.ts';
import { DEFAULT_ORPHAN_POLICY, orphanPolicySchema } from '../../../model/orphan.ts';
import { quotasViewShape } from '../../../model/quota.ts';
import { unknownWordsViewSchema } from '../../../model/unknown-words.ts';
import { namespaceParams, noParams, noQuery, pageOf, pageQuery, route } from './route.ts';

export const connectionParams = namespaceParams.extend({ connection: nameSchema });

const shareParams = connectionParams.extend({
  target: nameSchema.describe('The other namespace.'),
});

/** A connection with the limits and the orphan policy that apply to it. */
export const connectionViewSchema = connectionSchema.omit({ sharesVersion: true }).extend({
  sharedBy: nameSchema
    .optional()
    .describe(
      'The namespace that the connection belongs to, if it is another one. Absent: the connection is of this namespace.',
    ),
  health: connectionHealthSchema
    .optional()
    .describe('What the cloud denies to the credential. Only `GET` of one connection has it.'),
  limitProfile: limitProfileSchema,
  orphans: orphanPolicySchema.default(DEFAULT_ORPHAN_POLICY),
});

const requestMoreSchema = z.object({
  text: z.string().describe('What to request from the provider, and where.'),
  url: z.url().describe("The provider's own page on these limits."),
});

/** The limits of a connection (in force, by default, overridden), the governor's state, and the account's quotas. */
export const connectionLimitsSchema = z.object({
  cloud: cloudSchema,
  tier: limitTierSchema.describe('The limit profile that the override is applied to.'),
  profile: limitProfileSchema.describe('The limits in force.'),
  override: keptLimitOverrideSchema.describe('`{}`: nothing is overridden.'),
  cautious: limitProfileSchema.describe('The semaphores that a peer has published, and low rates.'),
  defaults: limitProfileSchema.describe(
    'The limits that the cloud gives each account by default, as far as they are published.',
  ),
  reported: reportedLimitsSchema
    .exactOptional()
    .describe('What the cloud itself has reported for the account. It replaces fields of `defaults`.'),
  applied: z
    .record(cloudWordSchema, appliedLimitsSchema)
    .exactOptional()
    .describe('What quotas of the account state, by location. It replaces fields of `defaults` there.'),
  sources: z.array(limitSourceSchema).describe('Where the figures of the tier come from.'),
  power: limitProfileSchema.describe('The limits that the provider grants on request.'),
  requestMore: requestMoreSchema,
  governor: governorViewSchema,
  ...quotasViewShape,
});

const driverSchema = z.object({
  name: driverNameSchema,
  title: z.string(),
  clouds: z.array(
    z.object({
      cloud: cloudSchema,
      limitProfile: limitProfileSchema,
      powerProfile: limitProfileSchema,
      requestMore: requestMoreSchema,
    }),
  ),
  endpoint: z
    .enum(['own', 'required'])
    .describe('`required`: a connection has to give the endpoint of its cloud.'),
  credentialFields: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      secret: z.boolean(),
      required: z.boolean(),
      requiredBy: z
        .array(cloudSchema)
        .exactOptional()
        .describe(
          'The clouds that require the field. Absent if all clouds of the driver have the same rule.',
        ),
      pattern: z.string().exactOptional().describe('A regular expression that the whole value has to match.'),
      alternative: z
        .string()
        .exactOptional()
        .describe(
          'A credential has the fields of one alternative only. The first alternative is recommended.',
        ),
    }),
  ),
  capabilities: z.array(z.string()).describe('The optional calls that the driver supports.'),
  features: z.array(z.string()).describe('The optional properties of the driver’s data.'),
  meteredActions: z
    .array(z.string())
    .describe('The names under `actions` in limits. Calls of these actions may have buckets of their own.'),
  apiKind: z.enum(['global', 'locational']),
  inventoryPollMinutes: z.number().positive(),
  statusPollSeconds: z.number().positive(),
  maxNameLength: z.int(),
});

export const connectionRoutes = [
  route({
    operationId: 'listDrivers',
    method: 'GET',
    path: '/v1/drivers',
    handler: 'connections',
    summary: 'List the drivers that are deployed: clouds, default limits, credential fields, capabilities',
    needs: 'viewer',
    params: noParams,
    query: noQuery,
    status: 200,
    response: z.object({ items: z.array(driverSchema), cursor: z.null() }),
  }),
  route({
    operationId: 'createConnection',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/connections',
    handler: 'connections',
    summary: 'Create a connection. Its credential is verified and its inventory is read afterwards',
    needs: 'admin',
    audited: { type: 'connection.create', kind: 'connection', facts: ['driver', 'cloud'] },
    params: namespaceParams,
    query: noQuery,
    body: connectionRequestSchema,
    status: 201,
    response: connectionViewSchema,
    refusals: ['name-taken', 'being-deleted', 'deployment-ending'],
  }),
  route({
    operationId: 'listConnections',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections',
    handler: 'connections',
    summary: 'List the connections of a namespace, and those that other namespaces share with it',
    needs: 'viewer',
    params: namespaceParams,
    query: pageQuery,
    status: 200,
    response: pageOf(connectionViewSchema),
  }),
  route({
    operationId: 'getConnection',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}',
    handler: 'connections',
    summary: 'Get a connection, without its credential',
    needs: 'viewer',
    params: connectionParams,
    query: noQuery,
    status: 200,
    response: connectionViewSchema,
  }),
  route({
    operationId: 'deleteConnection',
    method: 'DELETE',
    path: '/v1/namespaces/{namespace}/connections/{connection}',
    handler: 'connections',
    summary:
      'Delete a connection that no live fleet of any namespace uses, and that has no kept disks. If other namespaces use it, the refusal says how much',
    needs: 'admin',
    audited: { type: 'connection.delete', kind: 'connection', param: 'connection' },
    params: connectionParams,
    query: z.strictObject({
      forgetDisks: z
        .enum(['true', 'false'])
        .optional()
        .describe(
          'true: delete the connection even if disks of it are kept. The disks stay at the cloud, cost money, and are listed nowhere any more.',
        ),
    }),
    status: 204,
    refusals: ['in-use', 'disks-kept'],
  }),
  route({
    operationId: 'shareConnection',
    method: 'PUT',
    path: '/v1/namespaces/{namespace}/connections/{connection}/shares/{target}',
    handler: 'connections',
    summary:
      'Share a connection with another namespace, whose fleets may then use it by its name. A connection of that name in the other namespace comes first',
    needs: 'admin',
    audited: { type: 'connection.share', kind: 'connection', param: 'connection' },
    params: shareParams,
    query: noQuery,
    status: 200,
    response: connectionViewSchema,
    refusals: ['being-deleted', 'name-taken'],
  }),
  route({
    operationId: 'unshareConnection',
    method: 'DELETE',
    path: '/v1/namespaces/{namespace}/connections/{connection}/shares/{target}',
    handler: 'connections',
    summary:
      'Stop sharing a connection with another namespace. It is refused while the other namespace has live fleets or kept disks on it, unless it is forced',
    needs: 'admin',
    audited: { type: 'connection.unshare', kind: 'connection', param: 'connection' },
    params: shareParams,
    query: z.strictObject({
      force: z
        .enum(['true', 'false'])
        .optional()
        .describe(
          'true: accept no new fleets of the other namespace from now on, and manage what it has on the connection until that is removed.',
        ),
    }),
    status: 200,
    response: connectionViewSchema,
    refusals: ['being-deleted', 'in-use'],
  }),
  route({
    operationId: 'setOrphanPolicy',
    method: 'PUT',
    path: '/v1/namespaces/{namespace}/connections/{connection}/orphan-policy',
    handler: 'connections',
    summary:
      'Set what sweeps do with orphans of this connection. A field that is left out is set to its default',
    needs: 'admin',
    audited: { type: 'connection.set-orphan-policy', kind: 'connection', param: 'connection' },
    params: connectionParams,
    query: noQuery,
    body: orphanPolicySchema,
    status: 200,
    response: connectionViewSchema,
    refusals: ['being-deleted'],
  }),
  route({
    operationId: 'setConnectionNetwork',
    method: 'PUT',
    path: '/v1/namespaces/{namespace}/connections/{connection}/network',
    handler: 'connections',
    summary:
      'Set the network of fleets whose requests say nothing of it. Existing networks are verified first; until then, the earlier default stays in force',
    needs: 'admin',
    audited: { type: 'connection.set-network', kind: 'connection', param: 'connection' },
    params: connectionParams,
    query: noQuery,
    body: connectionNetworkSchema,
    status: 202,
    response: connectionViewSchema,
    refusals: ['being-deleted'],
  }),
  route({
    operationId: 'getLimits',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}/limits',
    handler: 'connections',
    summary:
      'Get the limits in force, the defaults, how to request more from the provider, how much is used now, and the quotas of the account',
    needs: 'viewer',
    params: connectionParams,
    query: noQuery,
    status: 200,
    response: connectionLimitsSchema,
  }),
  route({
    operationId: 'setLimits',
    method: 'PUT',
    path: '/v1/namespaces/{namespace}/connections/{connection}/limits',
    handler: 'connections',
    summary: "Override the cloud's default limits. A field that is left out is set to its default",
    needs: 'admin',
    audited: { type: 'connection.set-limits', kind: 'connection', param: 'connection' },
    params: connectionParams,
    query: noQuery,
    body: limitOverrideSchema,
    status: 200,
    response: connectionViewSchema,
    refusals: ['being-deleted'],
  }),
  route({
    operationId: 'reopenLimits',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/connections/{connection}/limits/reopen',
    handler: 'connections',
    summary:
      'Let launches try again where a quota was used up, for example after the provider has raised the quota',
    needs: 'operator',
    audited: { type: 'connection.reopen-limits', kind: 'connection', param: 'connection' },
    params: connectionParams,
    query: noQuery,
    body: reopenRequestSchema,
    status: 200,
    response: reopenedSchema,
  }),
  route({
    operationId: 'getWords',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}/words',
    handler: 'connections',
    summary: 'List the texts of the cloud that the driver does not understand, with how often each was seen',
    needs: 'viewer',
    params: connectionParams,
    query: noQuery,
    status: 200,
    response: unknownWordsViewSchema,
  }),
  route({
    operationId: 'rotateCredential',
    method: 'PUT',
    path: '/v1/namespaces/{namespace}/connections/{connection}/credential',
    handler: 'connections',
    summary:
      'Replace the credential. The earlier credential stays in force until a minute after the new credential is verified',
    needs: 'admin',
    audited: { type: 'connection.rotate-credential', kind: 'connection', param: 'connection' },
    params: connectionParams,
    query: noQuery,
    body: z.object({ credential: credentialSchema }).strict(),
    status: 202,
    response: connectionViewSchema,
    refusals: ['being-deleted'],
  }),
  route({
    operationId: 'disableConnection',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/connections/{connection}/disable',
    handler: 'connections',
    summary: 'Disable a connection. It accepts no new fleets, and its existing fleets continue',
    needs: 'admin',
    audited: { type: 'connection.disable', kind: 'connection', param: 'connection' },
    params: connectionParams,
    query: noQuery,
    status: 200,
    response: connectionViewSchema,
    refusals: ['being-deleted'],
  }),
  route({
    operationId: 'enableConnection',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/connections/{connection}/enable',
    handler: 'connections',
    summary: 'Enable a connection. It accepts new fleets again after its credential has been verified',
    needs: 'admin',
    audited: { type: 'connection.enable', kind: 'connection', param: 'connection' },
    params: connectionParams,
    query: noQuery,
    status: 202,
    response: connectionViewSchema,
    refusals: ['being-deleted'],
  }),
  route({
    operationId: 'verifyConnection',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/connections/{connection}/verify',
    handler: 'connections',
    summary: 'Verify the credential again',
    needs: 'operator',
    audited: { type: 'connection.verify', kind: 'connection', param: 'connection' },
    params: connectionParams,
    query: noQuery,
    status: 202,
    response: connectionViewSchema,
    refusals: ['being-deleted'],
  }),
  route({
    operationId: 'syncInventory',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/connections/{connection}/sync-inventory',
    handler: 'connections',
    summary: 'Read the inventory (locations, offers and images) from the cloud now',
    needs: 'operator',
    audited: { type: 'connection.sync-inventory', kind: 'connection', param: 'connection' },
    params: connectionParams,
    query: noQuery,
    status: 202,
    response: connectionViewSchema,
  }),
] as const;
