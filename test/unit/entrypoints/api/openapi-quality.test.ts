import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { routes } from '../../../../functions/entrypoints/api/contract.ts';
import { openApiDocument } from '../../../../functions/entrypoints/api/openapi.ts';
import type { Route } from '../../../../functions/entrypoints/api/routes/route.ts';
import { contradiction, requestContradiction } from './any-input/schema.ts';

const all: readonly Route[] = routes;
const anyObject = z.record(z.string(), z.unknown());
const document = anyObject.parse(JSON.parse(JSON.stringify(openApiDocument())));

/** Returns where a part of the document has properties or parameters without a description. */
function undescribed(part: unknown, at: string): string[] {
  if (typeof part !== 'object' || part === null) return [];
  const own = anyObject.safeParse(part).data ?? {};
  const isParameter = typeof own['in'] === 'string' && typeof own['name'] === 'string';
  const properties = anyObject.safeParse(own['properties']).data ?? {};
  return [
    ...(isParameter && !own['description'] ? [`${at} ${own['in']} ${own['name']}`] : []),
    ...Object.entries(properties).flatMap(([name, schema]) =>
      anyObject.safeParse(schema).data?.['description'] ? [] : [`${at}/${name}`],
    ),
    ...Object.entries(part).flatMap(([name, member]) =>
      name === 'example' ? [] : undescribed(member, `${at}/${name}`),
    ),
  ];
}

const contentSchema = z.object({ content: z.record(z.string(), z.looseObject({ example: z.unknown() })) });
const operationSchema = z.looseObject({
  description: z.string(),
  requestBody: contentSchema.optional(),
  responses: z.record(z.string(), contentSchema.partial()),
});
const pathsSchema = z.object({ paths: z.record(z.string(), z.record(z.string(), operationSchema)) });
const { paths } = pathsSchema.parse(document);

function operationOf({ path, method }: Route) {
  const operation = paths[path]?.[method.toLowerCase()];
  if (!operation) throw new Error(`the document has no ${method} ${path}`);
  return operation;
}

describe('the OpenAPI document', () => {
  it('describes every property and every parameter: describe the schema, or see document/descriptions.ts', () => {
    expect(undescribed(document, '')).toEqual([]);
  });

  it.each(all.map((route) => [route.operationId, route] as const))(
    'has examples of the request, the answer and the problems of %s, which fit their schemas',
    (operationId, route) => {
      const { requestBody, responses } = operationOf(route);
      const missing = `add an example of ${operationId} to document/examples.ts`;
      if (route.body) {
        const example = requestBody?.content['application/json']?.example;
        expect(example, missing).toBeDefined();
        expect(requestContradiction(route, example)).toBeUndefined();
        expect((route.bodyOf?.(example) ?? route.body).safeParse(example).error).toBeUndefined();
      }
      for (const [status, { content }] of Object.entries(responses)) {
        for (const { example } of Object.values(content ?? {})) {
          expect(example, missing).toBeDefined();
          expect(contradiction(route, Number(status), example)).toBeUndefined();
        }
      }
      if (route.response) {
        const example = responses[route.status]?.content?.['application/json']?.example;
        expect(route.response.safeParse(example).error).toBeUndefined();
      }
    },
  );

  it('finds a property without a description', () => {
    const part = { schemas: { A: { properties: { b: { type: 'string' }, c: { description: 'C.' } } } } };
    expect(undescribed(part, '')).toEqual(['/schemas/A/b']);
  });
});
