import { describe, expect, it } from 'vitest';
import { type OperationId, routes } from '../../../../functions/entrypoints/api/contract.ts';
import { matchRoute } from '../../../../functions/entrypoints/api/match.ts';
import { Problem } from '../../../../functions/entrypoints/api/problem.ts';
import { eventOf } from './event.ts';

const match = (method: string, path: string, own = [...routes]) => matchRoute(eventOf({ method, path }), own);
const refusalOf = (method: string, path: string, own = [...routes]): Problem => {
  try {
    match(method, path, own);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error(`${method} ${path} matched a route`);
};
const operationIds: readonly OperationId[] = routes.map(({ operationId }) => operationId);

it.each(routes.map(({ operationId, method, path }) => [operationId, method, path] as const))(
  'the method and path of %s match this operation only, and matchRoute decodes the path parameters',
  (operationId, method, path) => {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    const filled = names.reduce((text, name) => text.replace(`{${name}}`, `a%2Fb-${name}`), path);
    const { route, params } = match(method, filled);
    expect(route.operationId).toBe(operationId);
    expect(params).toEqual(Object.fromEntries(names.map((name) => [name, `a/b-${name}`])));
    expect(operationIds.filter((id) => id === operationId)).toHaveLength(1);
  },
);

describe('matchRoute', () => {
  it.each([
    '/',
    '/v1',
    '/v1/namespaces/default/fleets/web/instances/more',
    '/v1/openapiXjson',
    '/V1/namespaces',
    '//v1/namespaces',
    '/v1/namespaces//fleets',
  ])('no route matches the path %s', (path) => {
    expect(refusalOf('GET', path).code).toBe('not-found');
  });

  it('if a path does not support the method, the error lists the methods that the path supports', () => {
    const problem = refusalOf('PATCH', '/v1/namespaces/default');
    expect(problem.code).toBe('method-not-allowed');
    expect(problem.headers['allow']?.split(', ').toSorted()).toEqual(['DELETE', 'GET', 'HEAD']);
  });

  it('a Lambda function matches only its own routes, and ignores a slash at the end of the path', () => {
    const own = routes.filter((route) => route.handler === 'access');
    expect(refusalOf('GET', '/v1/namespaces/default/fleets', own).code).toBe('not-found');
    expect(match('GET', '/v1/namespaces/', own).route.operationId).toBe('listNamespaces');
  });

  it('a path that cannot be decoded is refused as an invalid request', () => {
    expect(refusalOf('GET', '/v1/namespaces/%E0%A4%A').code).toBe('invalid-request');
  });
});
