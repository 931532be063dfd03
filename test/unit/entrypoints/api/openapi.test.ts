import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { routes } from '../../../../functions/entrypoints/api/contract.ts';
import { openApiDocument } from '../../../../functions/entrypoints/api/openapi.ts';
import { PROBLEM_STATUS } from '../../../../functions/entrypoints/api/routes/problem-codes.ts';
import { problemsOf } from '../../../../functions/entrypoints/api/routes/route.ts';

const operationSchema = z.looseObject({
  operationId: z.string(),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })).default([]),
  requestBody: z.unknown().optional(),
  responses: z.record(z.string(), z.unknown()),
});
const documentSchema = z.looseObject({
  openapi: z.string().startsWith('3.1'),
  security: z.array(z.record(z.string(), z.array(z.string()))).min(1),
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
});
const source: unknown = JSON.parse(JSON.stringify(openApiDocument()));
const document = documentSchema.parse(source);

const operationOf = (method: string, path: string) => document.paths[path]?.[method.toLowerCase()];

/** Returns every `$ref` of a document, at every depth. */
function refsOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) =>
    name === '$ref' && typeof value === 'string' ? [value] : refsOf(value),
  );
}

function resolve(ref: string): unknown {
  const anyObject = z.record(z.string(), z.unknown());
  return ref
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((node, part) => anyObject.safeParse(node).data?.[part], source);
}

it('docs/openapi.json is equal to the generated document', () => {
  const written = readFileSync(new URL('../../../../docs/openapi.json', import.meta.url), 'utf8');
  const isCurrent = written.trimEnd() === JSON.stringify(openApiDocument(), null, 2);
  // The texts are compared before the assertion, because a failed assertion would print both texts in full.
  expect(isCurrent, 'docs/openapi.json is out of date: run npm run openapi').toBe(true);
});

/** Returns every object of a document that has a `$ref`, at every depth. */
function withRef(node: unknown): object[] {
  if (typeof node !== 'object' || node === null) return [];
  return [...('$ref' in node ? [node] : []), ...Object.values(node).flatMap(withRef)];
}

it('an object with a `$ref` has no other fields except `default` and `description`', () => {
  const fields = new Set(withRef(source).flatMap((node) => Object.keys(node)));
  expect([...fields].sort()).toEqual(['$ref', 'default', 'description']);
});

it('no two components have the same schema, or names that differ only in case', () => {
  const components = Object.entries(z.record(z.string(), z.unknown()).parse(resolve('#/components/schemas')));
  expect(new Set(components.map(([name]) => name.toLowerCase())).size).toBe(components.length);
  const bodies = components.map(([, schema]) => JSON.stringify(schema));
  expect(new Set(bodies).size).toBe(bodies.length);
});

describe('the OpenAPI document', () => {
  it.each(routes.map((route) => [route.operationId, route] as const))(
    'the OpenAPI document describes the parameters, the body and the responses of %s',
    (operationId, route) => {
      const operation = operationOf(route.method, route.path);
      expect(operation?.operationId).toBe(operationId);
      const wanted = [
        ...Object.keys(route.params.shape).map((name) => `path ${name}`),
        ...Object.keys(route.query.shape).map((name) => `query ${name}`),
        ...('idempotent' in route ? ['header Idempotency-Key'] : []),
        ...('waits' in route ? ['header Prefer'] : []),
      ];
      const parameters = operation?.parameters.map(({ name, in: site }) => `${site} ${name}`);
      expect(parameters?.toSorted()).toEqual(wanted.toSorted());
      expect(operation?.requestBody !== undefined).toBe('body' in route);
      const statuses = new Set([route.status, ...problemsOf(route).map((code) => PROBLEM_STATUS[code])]);
      expect(Object.keys(operation?.responses ?? {})).toEqual(
        expect.arrayContaining([...statuses].map((status) => String(status))),
      );
    },
  );

  it('the OpenAPI document has as many operations as the API has routes', () => {
    const count = Object.values(document.paths).reduce((sum, path) => sum + Object.keys(path).length, 0);
    expect(count).toBe(routes.length);
  });

  it('every reference in the OpenAPI document points to a part of the document', () => {
    const refs = refsOf(source);
    expect(refs.length).toBeGreaterThan(0);
    for (const ref of refs) {
      expect(ref).toMatch(/^#\//);
      expect(resolve(ref), ref).toBeDefined();
    }
  });
});
