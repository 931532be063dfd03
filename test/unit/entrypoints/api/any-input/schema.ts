import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import * as z from 'zod';
import { openApiDocument } from '../../../../../functions/entrypoints/api/openapi.ts';
import type { Route } from '../../../../../functions/entrypoints/api/routes/route.ts';

const anyObject = z.record(z.string(), z.unknown());
const document: unknown = JSON.parse(JSON.stringify(openApiDocument()));

/** The keywords of JSON Schema that the OpenAPI document uses. */
export const schemaSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  const: z.string().optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  minItems: z.number().optional(),
  items: z.unknown().optional(),
  properties: anyObject.optional(),
  required: z.array(z.string()).default([]),
  propertyNames: z.unknown().optional(),
  additionalProperties: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
});
export type Schema = z.output<typeof schemaSchema>;

const operationSchema = z.looseObject({
  parameters: z
    .array(z.looseObject({ name: z.string(), in: z.enum(['path', 'query', 'header']), schema: z.unknown() }))
    .default([]),
  requestBody: z
    .object({ content: z.object({ 'application/json': z.object({ schema: z.unknown() }) }) })
    .optional(),
  responses: z.record(z.string(), z.looseObject({ content: anyObject.optional() })),
});

const pathsSchema = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), operationSchema)) });
const { paths } = pathsSchema.parse(document);

export function operationOf({ path, method }: Pick<Route, 'path' | 'method'>) {
  const operation = paths[path]?.[method.toLowerCase()];
  if (!operation) throw new Error(`the document has no ${method} ${path}`);
  return operation;
}

/** Returns a schema. Replaces a reference by the schema to which the reference points. */
export function resolved(node: unknown): Schema {
  const schema = schemaSchema.parse(node);
  if (schema.$ref === undefined) return schema;
  const found = pointerTo(schema.$ref.slice(2).split('/'));
  return resolved(found);
}

function pointerTo(parts: readonly string[]): unknown {
  return parts.reduce<unknown>((node, part) => anyObject.parse(node)[part], document);
}

const ajv = new Ajv2020.default({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ ...anyObject.parse(document), $id: 'openapi' });

/**
 * Compares a response with the OpenAPI document.
 *
 * @returns a description of the difference; undefined if the response agrees with the document
 */
export function contradiction(
  { path, method }: Pick<Route, 'path' | 'method'>,
  status: number,
  body: unknown,
): string | undefined {
  const response = operationOf({ path, method }).responses[String(status)];
  if (!response) return `the document has no response ${status} of ${method} ${path}`;
  const [type] = Object.keys(response.content ?? {});
  if (type === undefined)
    return body === undefined ? undefined : 'the response has a body, but the document does not describe one';
  const parts = ['responses', String(status), 'content', type, 'schema'];
  return difference(path, method, parts, body);
}

/** Compares the body of a request with the OpenAPI document. @returns a description of the difference; undefined if none */
export function requestContradiction(
  { path, method }: Pick<Route, 'path' | 'method'>,
  body: unknown,
): string | undefined {
  return difference(path, method, ['requestBody', 'content', 'application/json', 'schema'], body);
}

function difference(
  path: string,
  method: Route['method'],
  parts: readonly string[],
  body: unknown,
): string | undefined {
  const pointer = ['paths', path, method.toLowerCase(), ...parts]
    .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/');
  const validate = ajv.getSchema(`openapi#/${pointer}`);
  if (!validate) throw new Error(`no schema at ${pointer}`);
  return validate(body) ? undefined : ajv.errorsText(validate.errors);
}

/** Returns true if an answer says that the path is no route. The document has no answer to such a path. */
export const isOfNoRoute = ({ status, body }: { status: number; body: unknown }): boolean =>
  status === 404 &&
  typeof body === 'object' &&
  body !== null &&
  'detail' in body &&
  String(body.detail).startsWith('the API has no path ');
