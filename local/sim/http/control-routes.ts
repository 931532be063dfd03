import { Hono } from 'hono';
import * as z from 'zod';
import { readBooks } from '../engine/books.ts';
import type { SimEngine } from '../engine/engine.ts';
import { faultSchema } from '../engine/faults.ts';
import {
  plantedInstanceSchema,
  plantedResourceSchema,
  plantInstance,
  plantResource,
  resizeInstance,
} from '../engine/plant.ts';
import { accountRuleSchema } from '../engine/records.ts';
import { named } from '../engine/world.ts';
import type { SimEnv } from './env.ts';
import { readBody } from './parse.ts';

const faultsSchema = z.union([
  faultSchema,
  z.array(faultSchema),
  z.strictObject({ faults: z.array(faultSchema) }),
]);

/** Creates the API that inspects and controls the clouds. */
export function controlRoutes(engine: SimEngine): Hono<SimEnv> {
  const app = new Hono<SimEnv>();
  const { state, config, commit } = engine.world;
  const faults = () => ({ faults: [...state.faults.values()] });
  const missing = (what: string) => ({ code: 'NotFound', message: `${what} does not exist` });

  app.get('/health', (c) =>
    c.json({ ok: true, seed: state.seed, clouds: Object.keys(config.clouds), now: engine.world.clock.now() }),
  );
  app.get('/books', (c) => {
    const { cloud, connection, location } = c.req.query();
    return c.json(readBooks(engine.world, { cloud, connection, location }));
  });

  app.get('/faults', (c) => c.json(faults()));
  app.post('/faults', async (c) => {
    const body = await readBody(c, faultsSchema);
    const wanted = 'faults' in body ? body.faults : [body].flat();
    return c.json({ faults: wanted.map((fault) => engine.addFault(fault)) }, 201);
  });
  app.delete('/faults', (c) => {
    for (const id of [...state.faults.keys()]) commit({ kind: 'fault-gone', id });
    return c.json(faults());
  });
  app.delete('/faults/:id', (c) => {
    const id = c.req.param('id');
    if (!state.faults.has(id)) return c.json(missing(`fault ${id}`), 404);
    commit({ kind: 'fault-gone', id });
    return c.json(faults());
  });

  app.post('/instances', async (c) => {
    const { backendId } = plantInstance(engine.world, await readBody(c, plantedInstanceSchema));
    return c.json({ backendId }, 201);
  });
  app.post('/instances/:backendId/type', async (c) => {
    const backendId = c.req.param('backendId');
    const { instanceType } = await readBody(c, z.strictObject({ instanceType: z.string().min(1) }));
    const record = [...state.sites.values()].map(({ live }) => live.get(backendId)).find((one) => one);
    if (!record) return c.json(missing(`instance ${backendId}`), 404);
    resizeInstance(engine.world, record, instanceType);
    return c.json({ backendId, instanceType });
  });
  app.post('/resources', async (c) => {
    const { backendId } = plantResource(engine.world, await readBody(c, plantedResourceSchema));
    return c.json({ backendId }, 201);
  });

  app.post('/reset', async (c) => {
    const { seed } = await readBody(c, z.strictObject({ seed: z.int().optional() }), {});
    engine.reset(seed);
    return c.json({ ok: true, seed: state.seed });
  });
  app.post('/clouds/:cloud/locations/:location', async (c) => {
    const { cloud, location } = c.req.param();
    if (!named(named(config.clouds, cloud)?.locations ?? {}, location))
      return c.json(missing(`location ${location} of ${cloud}`), 404);
    const { up } = await readBody(c, z.strictObject({ up: z.boolean() }));
    commit({ kind: 'location', cloud, location, up });
    return c.json({ cloud, location, up });
  });
  app.get('/accounts/:account', (c) => {
    const account = c.req.param('account');
    const apiKey = engine.keyOf(account);
    const revoked = state.accounts.get(account)?.revoked ?? false;
    return c.json({ account, revoked, ...(apiKey === undefined ? {} : { apiKey }) });
  });
  app.put('/accounts/:account', async (c) => {
    const account = c.req.param('account');
    commit({ kind: 'account', account, rule: await readBody(c, accountRuleSchema) });
    return c.json({ account, ok: true });
  });
  return app;
}
