import { SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { NO_ALLOWED_ADDRESSES } from '../../../../functions/drivers/contract/outgoing-address.ts';
import { routes } from '../../../../functions/entrypoints/api/contract.ts';
import { accessOperations } from '../../../../functions/entrypoints/api/operations/access.ts';
import { catalogueOperations } from '../../../../functions/entrypoints/api/operations/catalogue.ts';
import { connectionOperations } from '../../../../functions/entrypoints/api/operations/connections.ts';
import { fleetOperations } from '../../../../functions/entrypoints/api/operations/fleets.ts';
import { resourceOperations } from '../../../../functions/entrypoints/api/operations/resources.ts';
import { problemsOf, type Route } from '../../../../functions/entrypoints/api/routes/route.ts';
import { ROLES } from '../../../../functions/model/access.ts';
import { openStore } from '../../../../functions/platform/store/store.ts';

const all: readonly Route[] = routes;
const named = all.map((route) => [route.operationId, route] as const);

/** Returns the names of all properties in a schema, at every depth. */
function propertiesOf(schema: z.ZodType): string[] {
  const names: string[] = [];
  z.toJSONSchema(schema, {
    io: 'output',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => void names.push(...Object.keys(jsonSchema.properties ?? {})),
  });
  return names;
}

/**
 * Returns the alternatives of a union, so that each can be tested alone. The union itself says of a wrong value only that
 * no alternative fits.
 */
function alternatives(schema: z.ZodType): z.ZodType[] {
  if (!(schema instanceof z.ZodUnion)) return [schema];
  return schema.options.filter((option) => option instanceof z.ZodType);
}

describe('the API contract', () => {
  it('the API contract has each operation id and each pair of method and path only once', () => {
    const ids = all.map(({ operationId }) => operationId);
    const paths = all.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`);
    expect(new Set(ids).size).toBe(all.length);
    expect(new Set(paths).size).toBe(all.length);
  });

  it.each(named)(
    'the placeholders in the path of %s are the operation’s path parameters',
    (_id, { path, params }) => {
      expect([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)).toEqual(Object.keys(params.shape));
    },
  );

  it.each(named)('%s refuses an unknown field in its query and in its body', (_id, { query, body }) => {
    for (const schema of [query, ...(body ? [body] : [])].flatMap(alternatives)) {
      const issues = schema.safeParse({ unknownField: '1' }).error?.issues ?? [];
      expect(issues).toContainEqual(
        expect.objectContaining({ code: 'unrecognized_keys', keys: ['unknownField'] }),
      );
    }
  });

  it.each(named)('%s has a response body unless its status is 204', (_id, { status, response }) => {
    expect(status === 204).toBe(response === undefined);
  });

  it.each(named.filter(([id]) => id.startsWith('list') && id !== 'listDrivers'))(
    '%s returns pages, and refuses an invalid page limit',
    (_id, { query, response }) => {
      const limit = z.object({ limit: z.number() }).parse(query.parse({})).limit;
      expect(limit).toBeGreaterThan(0);
      expect(query.safeParse({ limit: '1' }).success).toBe(true);
      for (const bad of ['0', '-1', '1.5', '100000', 'all', '']) {
        expect(query.safeParse({ limit: bad }).success, bad).toBe(false);
      }
      expect(response && propertiesOf(response)).toEqual(expect.arrayContaining(['items', 'cursor']));
    },
  );

  it.each(named)('the response of %s has no secret', (operationId, { response }) => {
    const names = new Set(response ? propertiesOf(response) : []);
    for (const secret of ['credential', 'secretHash', 'privateKey', 'password']) {
      expect(names, secret).not.toContain(secret);
    }
    expect(names.has('key')).toBe(operationId === 'createApiKey');
  });

  it.each(named)(
    '%s declares a role, and needs more than a viewer if it changes something',
    (operationId, one) => {
      expect(ROLES).toContain(one.needs);
      const isReading = one.method === 'GET' || operationId === 'validateFleet';
      if (!isReading) expect(one.needs).not.toBe('viewer');
      expect(problemsOf(one)).toContain('forbidden');
    },
  );

  it('each schema of an answer to a viewer allows answers without the clouds’ own ids', () => {
    const strict = all.filter(({ needs, handler, response }) => {
      if (needs !== 'viewer' || handler === 'catalogue' || !response) return false;
      const text = JSON.stringify(z.toJSONSchema(response, { io: 'output', unrepresentable: 'any' }));
      return [...text.matchAll(/"required":(\[[^\]]*\])/g)].some(([, names]) =>
        names?.includes('"backendId"'),
      );
    });
    expect(strict.map(({ operationId }) => operationId)).toEqual([]);
  });

  it.each(named)(
    'the error codes of %s are distinct, and include the codes that all operations have',
    (_id, route) => {
      const problems = problemsOf(route);
      expect(new Set(problems).size).toBe(problems.length);
      expect(problems).toEqual(expect.arrayContaining(['unauthorized', 'invalid-request', 'internal-error']));
    },
  );
});

it('each API function implements exactly the operations of its routes', () => {
  const store = openStore({ access: 'a', audit: 'l', fleets: 'f', catalogue: 'c', governor: 'g' });
  const done = () => Promise.resolve();
  const operations: Record<Route['handler'], object> = {
    access: accessOperations(store),
    catalogue: catalogueOperations(store),
    connections: connectionOperations({
      store,
      ssm: new SSMClient({}),
      secretsPrefix: '/x',
      drivers: ['sim'],
      allowEndpointOverride: false,
      allowedAddresses: NO_ALLOWED_ADDRESSES,
      send: done,
    }),
    resources: resourceOperations({ store, send: done }),
    fleets: fleetOperations({
      store,
      workflows: { start: done, state: async () => 'absent' },
      waitingRequests: 2,
    }),
  };
  for (const [handler, answered] of Object.entries(operations)) {
    const wanted = all.filter((route) => route.handler === handler).map(({ operationId }) => operationId);
    expect(Object.keys(answered).toSorted()).toEqual(wanted.toSorted());
  }
});
