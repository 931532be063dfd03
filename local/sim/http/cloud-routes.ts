import { type Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod';
import { Refusal } from '../engine/refusals.ts';
import {
  type Caller,
  createInputSchema,
  createManyInputSchema,
  ensureInputSchemas,
  type ListFilter,
  noteInputSchema,
  noteNameSchema,
  type Operation,
  POWER_KINDS,
  PREPARED_KINDS,
  type ResourceKind,
  terminateManyInputSchema,
} from '../engine/requests.ts';
import { answer } from './answer.ts';
import type { AppOptions, SimEnv } from './env.ts';
import { parse, readBody } from './parse.ts';

const pageSchema = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).optional(),
  cursor: z.string().regex(/^\d+$/).optional(),
});
const accountSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/);

const RESOURCE_PATHS: Readonly<Record<string, ResourceKind>> = {
  networks: 'network',
  'security-groups': 'security-group',
  'key-pairs': 'key-pair',
};

/**
 * Creates the API of the clouds. The header `x-account` names the account. If the account has a key, the
 * request must send the key as its bearer token.
 */
export function cloudRoutes(options: AppOptions): Hono<SimEnv> {
  const app = new Hono<SimEnv>();
  const call = (c: Context<SimEnv>, operation: Operation) =>
    answer(c, options.engine.handle(callerOf(c), operation), options);
  const page = (c: Context<SimEnv>) => parse(pageSchema, c.req.query());
  const at = '/locations/:location';

  app.get('/account', (c) => call(c, { call: 'verify' }));
  app.get('/account/notes', (c) => call(c, { call: 'listNotes', prefix: c.req.query('prefix') ?? '' }));
  app.put('/account/notes/:name', async (c) => {
    const name = parse(noteNameSchema, c.req.param('name'));
    const { value } = await readBody(c, noteInputSchema);
    return await call(c, { call: 'putNote', name, value });
  });
  app.delete('/account/notes/:name', (c) =>
    call(c, { call: 'deleteNote', name: parse(noteNameSchema, c.req.param('name')) }),
  );
  app.get('/locations', (c) => call(c, { call: 'locations' }));
  app.get(`${at}/offers`, (c) =>
    call(c, { call: 'offers', location: c.req.param('location'), page: page(c) }),
  );
  app.get(`${at}/images`, (c) =>
    call(c, { call: 'images', location: c.req.param('location'), page: page(c) }),
  );

  app.post(`${at}/instances`, async (c) => {
    const input = await readBody(c, createInputSchema);
    return await call(c, { call: 'create', location: c.req.param('location'), input });
  });
  app.post(`${at}/instances/batch`, async (c) => {
    const { instances } = await readBody(c, createManyInputSchema);
    return await call(c, { call: 'create', location: c.req.param('location'), inputs: instances });
  });
  app.post(`${at}/instances/terminate`, async (c) => {
    const { ids } = await readBody(c, terminateManyInputSchema);
    return await call(c, { call: 'terminate', location: c.req.param('location'), backendIds: ids });
  });
  app.get(`${at}/instances`, (c) => {
    const location = c.req.param('location');
    const { launchToken, name } = c.req.query();
    if (launchToken !== undefined) return call(c, { call: 'find', location, launchToken, name });
    return call(c, { call: 'list', location, ...filterOf(c), ids: idsOf(c), page: page(c) });
  });
  app.get(`${at}/instances/:id`, (c) =>
    call(c, { call: 'get', location: c.req.param('location'), backendId: c.req.param('id') }),
  );
  app.delete(`${at}/instances/:id`, (c) =>
    call(c, { call: 'terminate', location: c.req.param('location'), backendId: c.req.param('id') }),
  );

  app.get(`${at}/reservations`, (c) =>
    call(c, { call: 'listReservations', location: c.req.param('location') }),
  );
  app.get(`${at}/quotas`, (c) => call(c, { call: 'listQuotas', location: c.req.param('location') }));
  for (const kind of PREPARED_KINDS) {
    app.get(`${at}/${kind}`, (c) =>
      call(c, { call: 'listPrepared', location: c.req.param('location'), kind }),
    );
  }
  app.get(`${at}/volumes`, (c) =>
    call(c, { call: 'listVolumes', location: c.req.param('location'), ...filterOf(c), page: page(c) }),
  );
  app.delete(`${at}/volumes/:id`, (c) =>
    call(c, { call: 'deleteVolume', location: c.req.param('location'), backendId: c.req.param('id') }),
  );

  for (const verb of POWER_KINDS) {
    app.post(`${at}/instances/:id/${verb}`, (c) =>
      call(c, { call: verb, location: c.req.param('location'), backendId: c.req.param('id') }),
    );
  }

  for (const [path, kind] of Object.entries(RESOURCE_PATHS)) {
    app.post(`${at}/${path}`, async (c) => {
      const input = await readBody(c, ensureInputSchemas[kind]);
      return await call(c, { call: 'ensure', location: c.req.param('location'), kind, input });
    });
    app.get(`${at}/${path}`, (c) => {
      const location = c.req.param('location');
      const name = c.req.query('name');
      if (name !== undefined) return call(c, { call: 'findResource', location, kind, name });
      return call(c, { call: 'listResources', location, kind, ...filterOf(c), ids: idsOf(c), page: page(c) });
    });
    app.delete(`${at}/${path}/:id`, (c) =>
      call(c, {
        call: 'deleteResource',
        location: c.req.param('location'),
        kind,
        backendId: c.req.param('id'),
      }),
    );
  }
  return app;
}

function callerOf(c: Context<SimEnv>): Caller {
  const account = accountSchema.safeParse(c.req.header('x-account'));
  if (!account.success) {
    throw new Refusal('InvalidCredentials', 'the header x-account has no valid account');
  }
  const [, apiKey] = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '') ?? [];
  return { cloud: c.req.param('cloud') ?? '', account: account.data, apiKey };
}

/** Parses `ids=a,b,…`. */
function idsOf(c: Context<SimEnv>): readonly string[] | undefined {
  return c.req.query('ids')?.split(',');
}

/** Parses `tag=key=value`, which may be repeated, and `namePrefix`. */
function filterOf(c: Context<SimEnv>): ListFilter {
  const tags = Object.fromEntries(
    (c.req.queries('tag') ?? []).map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new HTTPException(400, { message: `tag: ${text} does not have the form key=value` });
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
  return { tags, namePrefix: c.req.query('namePrefix') };
}
