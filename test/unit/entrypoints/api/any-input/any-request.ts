import fc from 'fast-check';
import type { Route } from '../../../../../functions/entrypoints/api/routes/route.ts';
import type { Request } from '../event.ts';
import { anyJson, EXAMPLES, poisoned, serialized, strange } from './any-json.ts';
import { operationOf, resolved } from './schema.ts';

export interface AnyRequest {
  request: Request;
  /** The request's body before serialization; undefined if the operation has no body. */
  json: unknown;
}

/** Draws requests of one operation. Many requests are valid, and most invalid requests have a single error. */
export function anyRequest(route: Route): fc.Arbitrary<AnyRequest> {
  const { parameters, requestBody } = operationOf(route);
  const of = (site: 'path' | 'query') =>
    fc.record(
      Object.fromEntries(
        parameters
          .filter((one) => one.in === site)
          .map(({ name, schema }) => [name, anyParameter(name, schema)]),
      ),
      site === 'path' ? {} : { requiredKeys: [] },
    );
  const body = requestBody
    ? anyBody(route, requestBody.content['application/json'].schema)
    : fc.constant(undefined);
  return fc
    .record({
      path: of('path'),
      query: of('query'),
      more: anyMoreQuery,
      body,
      transport: anyTransport,
      key: anyKey,
    })
    .map(({ path, query, more, body: json, transport, key }) => ({
      request: {
        method: route.method,
        path: route.path.replaceAll(/\{(\w+)\}/g, (_, name) => path[name] ?? ''),
        query: texts({ ...decoded(query), ...more }),
        headers: { ...(key === undefined ? {} : { 'idempotency-key': key }) },
        ...(requestBody ? transport(serialized(json)) : {}),
      },
      json,
    }))
    .map(({ request, json }) => ({ request: { ...request, headers: headersOf(request) }, json }));
}

/**
 * Draws requests of one operation without a strange part: each part fits its schema, and names what exists. Most of them are
 * accepted.
 */
export function fittingRequest(route: Route): fc.Arbitrary<AnyRequest> {
  const { parameters, requestBody } = operationOf(route);
  const path = fc.record(
    Object.fromEntries(
      parameters
        .filter((one) => one.in === 'path')
        .map(({ name, schema }) => [name, anyJson(resolved(schema), name).map(String)]),
    ),
  );
  const bodies = EXAMPLES[route.operationId];
  const body = bodies
    ? fc.constantFrom(...bodies)
    : anyJson(requestBody?.content['application/json'].schema ?? {});
  return fc.record({ path, body }).map(({ path: parts, body: json }) => ({
    request: {
      method: route.method,
      path: route.path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parts[name] ?? '')),
      ...(requestBody ? { headers: { 'content-type': type }, body: serialized(json) } : {}),
    },
    json: requestBody ? json : undefined,
  }));
}

/** Decodes values as API Gateway does. A value whose percent-encoding is malformed stays as it is. */
function decoded(values: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      try {
        return [name, value && decodeURIComponent(value)];
      } catch {
        return [name, value];
      }
    }),
  );
}

function texts(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function headersOf({
  headers,
  type,
}: {
  headers: Record<string, string>;
  type?: string;
}): Record<string, string> {
  return { ...(type === undefined ? {} : { 'content-type': type }), ...headers };
}

/** Draws a body from the operation's schema or from `EXAMPLES`. Half of the bodies get one bad value or field. */
function anyBody({ operationId }: Route, schema: unknown): fc.Arbitrary<unknown> {
  const fitting = fc.oneof(anyJson(schema), fc.constantFrom(...(EXAMPLES[operationId] ?? [{}])));
  return fc.oneof(fitting, poisoned(fitting));
}

/** Draws the URL-encoded value of a path or query parameter. */
function anyParameter(name: string, schema: unknown): fc.Arbitrary<string> {
  const fitting = anyJson(resolved(schema), name).map((value) => encodeURIComponent(String(value)));
  return fc.oneof({ weight: 12, arbitrary: fitting }, { weight: 1, arbitrary: strangeInUrl });
}

const strangeInUrl = fc.oneof(
  fc.constantFrom(
    '%00',
    '%ED%A0%80',
    '%',
    '%2e%2e',
    '..',
    '%2F',
    '__proto__',
    'constructor',
    '%1B[31m',
    '1e-130',
  ),
  fc.constant('a'.repeat(3_000)),
  fc
    .string({ unit: 'binary', minLength: 1, maxLength: 20 })
    .map((text) => encodeURIComponent(text.toWellFormed())),
);

const anyMoreQuery: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('cursor', 'limit', '__proto__', 'constructor', 'x\0', 'unknown'),
        fc.oneof(strange, fc.constantFrom('NaN', '0x10', '1e400', '-1', '')),
      )
      .map(([name, value]) => Object.fromEntries([[name, value]])),
  },
  {
    weight: 2,
    arbitrary: fc
      .oneof(
        strange,
        fc.constantFrom('web-global', 'f0123456789abcdef~NET#x', 'sim-aws~', '7', 'f0123456789abcdef'),
      )
      .map((position) => ({ cursor: Buffer.from(position).toString('base64url') })),
  },
);

const anyKey = fc.oneof(
  { weight: 8, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.uuid() },
  { weight: 1, arbitrary: strange },
);

type Transport = (text: string) => { body: string; isBase64Encoded?: boolean; type?: string };
const type = 'application/json';
const anyTransport: fc.Arbitrary<Transport> = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Transport>((body) => ({ body, type })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Transport>(
      (text) => ({ body: Buffer.from(text).toString('base64'), isBase64Encoded: true, type }),
      (text) => ({
        body: Buffer.from(`\xff${text}`, 'latin1').toString('base64'),
        isBase64Encoded: true,
        type,
      }),
      (body) => ({ body, type: 'application/json; charset=iso-8859-1' }),
      (body) => ({ body, type: 'text/plain' }),
      (body) => ({ body: body.slice(0, -1), type }),
      (body) => ({ body }),
      () => ({ body: '', type }),
      () => ({ body: `${'['.repeat(100_000)}${']'.repeat(100_000)}`, type }),
    ),
  },
);
