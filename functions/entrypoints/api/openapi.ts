import * as z from 'zod';
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import {
  apiKeyRequestSchema,
  apiKeySchema,
  namespaceRequestSchema,
  namespaceSchema,
} from '../../model/access.ts';
import { auditEntrySchema } from '../../model/audit-entry.ts';
import { bindingRequestSchema, bindingSchema } from '../../model/binding.ts';
import { imageSchema, instanceTypeSchema, locationSchema, offerSchema } from '../../model/cloud.ts';
import { connectionRequestSchema } from '../../model/connection.ts';
import { countsSchema, fleetSchema, instanceSchema } from '../../model/fleet.ts';
import { fleetActionSchema } from '../../model/fleet-action.ts';
import {
  fleetRequestSchema,
  instanceRequestSchema,
  nodeGroupRequestSchema,
} from '../../model/fleet-request.ts';
import { governorViewSchema } from '../../model/governor-view.ts';
import { instanceListRequestSchema } from '../../model/instance-list.ts';
import { limitOverrideSchema, limitProfileSchema } from '../../model/limit-profile.ts';
import { orphanPolicySchema, orphanSchema, sweepRequestSchema, sweepSchema } from '../../model/orphan.ts';
import { rateSchema } from '../../model/rate.ts';
import { resourceSchema } from '../../model/resource.ts';
import { fleetStatusSchema } from '../../model/status.ts';
import { routes } from './contract.ts';
import { describeAll } from './document/describe.ts';
import { EXAMPLES } from './document/examples.ts';
import { Problem, type ProblemBody, problemBody } from './problem.ts';
import { connectionLimitsSchema, connectionViewSchema } from './routes/connections.ts';
import { instanceListSchema } from './routes/fleets.ts';
import { PROBLEM_STATUS, type ProblemCode, STATUS_TITLES } from './routes/problem-codes.ts';
import { problemsOf, type Route } from './routes/route.ts';

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('Stable code of the problem. Later versions may add codes.'),
  detail: z.string(),
  requestId: z.string(),
  errors: z.array(
    z.object({
      pointer: z
        .string()
        .describe(
          'JSON Pointer to the field in the body; `?name` for a query parameter, `{name}` for a part of the path.',
        ),
      code: z.string(),
      message: z.string(),
    }),
  ),
  fleetStatus: fleetStatusSchema
    .exactOptional()
    .describe('Given with `illegal-action`: the status of the fleet.'),
  allowed: z
    .array(fleetActionSchema)
    .exactOptional()
    .describe('Given with `illegal-action`: the actions that the fleet allows.'),
});

const gatewayRefusalSchema = z.object({ message: z.string().describe('A text for people.') });

/**
 * Schemas that have a name in the OpenAPI document. Generated clients have a type for each of these schemas.
 */
const COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  Problem: problemSchema,
  GatewayRefusal: gatewayRefusalSchema,
  Namespace: namespaceSchema,
  NamespaceRequest: namespaceRequestSchema,
  ApiKey: apiKeySchema,
  ApiKeyRequest: apiKeyRequestSchema,
  Binding: bindingSchema,
  BindingRequest: bindingRequestSchema,
  AuditEntry: auditEntrySchema,
  Connection: connectionViewSchema,
  ConnectionRequest: connectionRequestSchema,
  ConnectionLimits: connectionLimitsSchema,
  Governor: governorViewSchema,
  Rate: rateSchema,
  LimitProfile: limitProfileSchema,
  LimitOverride: limitOverrideSchema,
  Location: locationSchema,
  InstanceType: instanceTypeSchema,
  Offer: offerSchema,
  Image: imageSchema,
  Fleet: fleetSchema,
  FleetRequest: fleetRequestSchema,
  NodeGroupRequest: nodeGroupRequestSchema,
  Counts: countsSchema,
  Instance: instanceSchema,
  InstanceRequest: instanceRequestSchema,
  InstanceList: instanceListSchema,
  InstanceListRequest: instanceListRequestSchema,
  Resource: resourceSchema,
  Orphan: orphanSchema,
  OrphanPolicy: orphanPolicySchema,
  Sweep: sweepSchema,
  SweepRequest: sweepRequestSchema,
};

/**
 * Builds the OpenAPI 3.1 document of the contract. `npm run openapi` writes the document to
 * docs/openapi.json. The API serves that file, so that no function has to bundle the OpenAPI library.
 */
export function openApiDocument() {
  const earlier = Object.values(COMPONENTS).map((schema) => [schema, z.globalRegistry.get(schema)] as const);
  for (const [id, schema] of Object.entries(COMPONENTS)) z.globalRegistry.add(schema, { id });
  try {
    return documentOf();
  } finally {
    // Another JSON Schema that is built in this process must not refer to these ids.
    for (const [schema, meta] of earlier) {
      z.globalRegistry.remove(schema);
      if (meta) z.globalRegistry.add(schema, meta);
    }
  }
}

/** Builds the document while the components have their ids. */
function documentOf() {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  const document: ZodOpenApiObject = {
    openapi: '3.1.0',
    info: {
      title: 'Fleetwright',
      version: '1',
      description:
        'Provisions and runs fleets of virtual machines over many clouds. Each path with GET also answers HEAD.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      contact: { name: 'The Fleetwright authors', url: 'https://github.com/fleetwright/fleetwright' },
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    servers: [{ url: '/', description: 'The server that this document was read from.' }],
    security: [{ apiKey: [] }],
    paths,
    components: {
      securitySchemes: {
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key, or a JSON Web Token of the issuer that the deployment accepts.',
        },
      },
    },
  };
  const plain = withPlainRefs(
    createDocument(document, {
      // Later versions may add fields to answers. A client that was generated from this document must not
      // fail if it gets such a field.
      override: ({ jsonSchema, io }) => {
        if (io === 'output' && jsonSchema.additionalProperties === false)
          delete jsonSchema.additionalProperties;
      },
    }),
  );
  describeAll(plain);
  return plain;
}

/** What the operations of each function are about. */
const TAGS: Readonly<Record<Route['handler'], string>> = {
  access: 'Namespaces, API keys, the audit log and this document.',
  catalogue: 'What clouds offer: locations, instance types, offers and images.',
  connections: 'Connections to clouds, their credentials and limits.',
  fleets: 'Fleets and their instances.',
  resources: 'Networks, kept disks, and what sweeps find.',
};

/** Keywords that may be next to a `$ref`, because they do not restrict values. */
const BESIDE_REF: ReadonlySet<string> = new Set(['$ref', 'description', 'default', 'deprecated', 'title']);

/**
 * Removes all keywords next to a `$ref` except those in `BESIDE_REF`. A validator would apply such keywords
 * in addition to the `$ref`. For example, `additionalProperties: false` without `properties` would refuse
 * every object.
 */
function withPlainRefs<Part>(part: Part): Part {
  return JSON.parse(JSON.stringify(part), (_name, value: unknown) =>
    typeof value === 'object' && value !== null && '$ref' in value && typeof value.$ref === 'string'
      ? Object.fromEntries(Object.entries(value).filter(([name]) => BESIDE_REF.has(name)))
      : value,
  );
}

const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .max(200)
    .optional()
    .describe(
      'For 24 hours, a request with the same key and body creates nothing and returns what the first request created.',
    ),
});

const preferHeader = z.object({
  Prefer: z
    .string()
    .optional()
    .describe(
      '`wait=<seconds>`, at most 25. The answer has `Preference-Applied` if the request was allowed to wait.',
    ),
});

const examples: ReadonlyMap<string, { request?: unknown; response?: unknown }> = new Map(
  Object.entries(EXAMPLES),
);

function operation(route: Route): ZodOpenApiOperationObject {
  const { request, response } = examples.get(route.operationId) ?? {};
  return {
    operationId: route.operationId,
    summary: route.summary.split('. ')[0] ?? route.summary,
    description: `${route.summary}. Needs the role \`${route.needs}\`.`,
    tags: [route.handler],
    requestParams: {
      path: route.params,
      query: route.query,
      ...headersOf(route),
    },
    ...(route.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: route.body, example: request } },
          },
        }
      : {}),
    responses: {
      [`${route.status}`]: {
        description: 'Done',
        ...answerHeadersOf(route),
        ...(route.response
          ? { content: { 'application/json': { schema: route.response, example: response } } }
          : {}),
      },
      ...refusals(route),
      429: tooMany,
    },
  };
}

/** API Gateway refuses requests above the deployment's rate, before a function runs. Its body is no problem JSON. */
const tooMany = {
  description: 'Too Many Requests: the request has had no effect. Send it again later.',
  headers: z.object({
    'Retry-After': z
      .string()
      .optional()
      .describe('Seconds to wait. Absent: wait a second, and twice as long after each further 429.'),
  }),
  content: {
    'application/json': { schema: gatewayRefusalSchema, example: { message: 'Too Many Requests' } },
  },
};

function headersOf({ idempotent, waits }: Route): { header?: z.ZodObject } {
  const shape = { ...(idempotent ? idempotencyHeader.shape : {}), ...(waits ? preferHeader.shape : {}) };
  return Object.keys(shape).length > 0 ? { header: z.object(shape) } : {};
}

function answerHeadersOf(route: Route): { headers?: z.ZodObject } {
  const shape = {
    ...(hasReadPath(route) ? { Location: z.string().describe('Path of what was created.') } : {}),
    ...(route.waits
      ? { 'Preference-Applied': z.string().optional().describe('The preference, if the request has waited.') }
      : {}),
  };
  return Object.keys(shape).length > 0 ? { headers: z.object(shape) } : {};
}

/** Returns true if the operation creates an object that a GET operation can read. */
function hasReadPath({ method, path }: Route): boolean {
  return (
    method === 'POST' &&
    routes.some((one) => one.method === 'GET' && new RegExp(`^${path}/\\{\\w+\\}$`).test(one.path))
  );
}

/**
 * Describes one response for each status of an operation's refusals, with the problem codes of that status.
 */
function refusals(route: Route): ZodOpenApiResponsesObject {
  const byStatus = Map.groupBy(problemsOf(route), (code) => PROBLEM_STATUS[code]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      `${status}` as const,
      {
        description: `${STATUS_TITLES[status]}: ${codes.map((code) => `\`${code}\``).join(', ')}`,
        ...(status === 401
          ? { headers: z.object({ 'WWW-Authenticate': z.string().describe('How to authenticate.') }) }
          : {}),
        content: {
          'application/problem+json': {
            schema: problemSchema,
            example: problemExample(codes[0] ?? 'internal-error'),
          },
        },
      },
    ]),
  );
}

/** Returns an example of a problem with this code. */
function problemExample(code: ProblemCode): ProblemBody {
  const errors =
    code === 'invalid-request' ? [{ pointer: '/name', code: 'missing', message: 'must be given' }] : [];
  return problemBody(new Problem(code, `the request was refused: ${code}`, { errors }), 'Zb8XyjDCIAMEVIg=');
}
