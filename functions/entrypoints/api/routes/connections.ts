import { z } from 'zod';
import { cloudSchema } from '../../../model/cloud.ts';
import {
  connectionRequestSchema,
  connectionSchema,
  credentialSchema,
  driverNameSchema,
} from '../../../model/connection.ts';
import { governorViewSchema, reopenedSchema, reopenRequestSchema } from '../../../model/governor-view.ts';
import { nameSchema } from '../../../model/identifiers.ts';
import {
  keptLimitOverrideSchema,
  limitOverrideSchema,
  limitProfileSchema,
  limitTierSchema,
} from '../../../model/limit-profile.ts';
import { DEFAULT_ORPHAN_POLICY, orphanPolicySchema } from '../../../model/orphan.ts';
import { namespaceParams, noParams, noQuery, pageOf, pageQuery, route } from './route.ts';

export const connectionParams = namespaceParams.extend({ connection: nameSchema });

/** A connection with the limits and the orphan policy that apply to it. */
export const connectionViewSchema = connectionSchema.extend({
  limitProfile: limitProfileSchema,
  orphans: orphanPolicySchema.default(DEFAULT_ORPHAN_POLICY),
});

const requestMoreSchema = z.object({
  text: z.string().describe('what to ask the provider for, and where'),
  url: z.url().describe("the provider's own page on it"),
});

/** The limits of a connection: in force, by default, overridden, and the governor's state. */
export const connectionLimitsSchema = z.object({
  cloud: cloudSchema,
  tier: limitTierSchema.describe('which of the two the override stands on'),
  profile: limitProfileSchema.describe('what is in force'),
  override: keptLimitOverrideSchema.describe('{}: nothing is overridden'),
  defaults: limitProfileSchema.describe('what the cloud allows without being asked'),
  power: limitProfileSchema.describe('what to ask its provider for'),
  requestMore: requestMoreSchema,
  governor: governorViewSchema,
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
  endpoint: z.enum(['own', 'required']).describe('whether a connection has to say where its cloud is'),
  credentialFields: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      secret: z.boolean(),
      required: z.boolean(),
      requiredBy: z
        .array(cloudSchema)
        .exactOptional()
        .describe('clouds of the driver that cannot do without it, where not all of them need it'),
      pattern: z.string().exactOptional().describe('a regular expression that the whole value matches'),
      alternative: z
        .string()
        .exactOptional()
        .describe('a credential has the fields of one alternative; the first is the recommended one'),
    }),
  ),
  capabilities: z.array(z.string()).describe('what its clients do beside the required calls'),
  features: z.array(z.string()).describe('what its data has'),
  apiKind: z.enum(['global', 'locational']),
  inventoryPollMinutes: z.number().positive(),
  maxNameLength: z.int(),
});

export const connectionRoutes = [
  route({
    operationId: 'listDrivers',
    method: 'GET',
    path: '/v1/drivers',
    handler: 'connections',
    summary: 'List the drivers that are deployed: clouds, default limits, credential fields, capabilities',
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
    summary: 'Register a connection; its credential is verified next, then its inventory is read',
    params: namespaceParams,
    query: noQuery,
    body: connectionRequestSchema,
    status: 201,
    response: connectionViewSchema,
    refusals: ['name-taken', 'being-deleted'],
  }),
  route({
    operationId: 'listConnections',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections',
    handler: 'connections',
    summary: 'List connections',
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
    summary: 'Get a connection; never its credential',
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
    summary: 'Delete a connection that no live fleet uses',
    params: connectionParams,
    query: noQuery,
    status: 204,
    refusals: ['in-use'],
  }),
  route({
    operationId: 'setOrphanPolicy',
    method: 'PUT',
    path: '/v1/namespaces/{namespace}/connections/{connection}/orphan-policy',
    handler: 'connections',
    summary: 'Say what sweeps do about orphans on this connection',
    params: connectionParams,
    query: noQuery,
    body: orphanPolicySchema,
    status: 200,
    response: connectionViewSchema,
    refusals: ['being-deleted'],
  }),
  route({
    operationId: 'getLimits',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}/limits',
    handler: 'connections',
    summary:
      'Get the limits in force, the defaults, what to ask the provider for, and how; and what of them is taken now',
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
    summary: "Override the cloud's default limits; a field that is left out has its default again",
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
    summary: 'Let launches ask again for quotas that the cloud has called used up: they were raised',
    params: connectionParams,
    query: noQuery,
    body: reopenRequestSchema,
    status: 200,
    response: reopenedSchema,
  }),
  route({
    operationId: 'rotateCredential',
    method: 'PUT',
    path: '/v1/namespaces/{namespace}/connections/{connection}/credential',
    handler: 'connections',
    summary:
      'Give a new credential. It is verified first; the one before stays in force until then, and for a minute more',
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
    summary: 'Take no new fleets on this connection; those that are there go on',
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
    summary: 'Take fleets again, once the credential is verified',
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
    summary: 'Read locations, offers and images from the cloud now',
    params: connectionParams,
    query: noQuery,
    status: 202,
    response: connectionViewSchema,
  }),
] as const;
