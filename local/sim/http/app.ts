import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { Refusal } from '../engine/refusals.ts';
import { cloudRoutes } from './cloud-routes.ts';
import { controlRoutes } from './control-routes.ts';
import { type AppOptions, ConnectionCut, type SimEnv } from './env.ts';
import { askForKey, keepPagesOut } from './guard.ts';

/**
 * Creates the HTTP interface of the simulated clouds. `/clouds/{cloud}/…` is the cloud's API, and `/_sim/…`
 * inspects and controls the clouds. A program can also call `app.fetch` without a server.
 */
export function createApp(options: AppOptions): Hono<SimEnv> {
  const app = new Hono<SimEnv>();
  if (options.isOurHost) app.use(keepPagesOut(options.isOurHost));
  if (options.simKey !== undefined) app.use('/_sim/*', askForKey(options.simKey));
  app.route('/clouds/:cloud', cloudRoutes(options));
  app.route('/_sim', controlRoutes(options.engine));
  app.notFound((c) =>
    c.json(
      { code: 'NoSuchRoute', message: `the simulated clouds have no route ${c.req.method} ${c.req.path}` },
      404,
    ),
  );
  app.onError((error, c) => {
    if (error instanceof HTTPException) {
      return c.json({ code: 'InvalidParameter', message: error.message }, error.status);
    }
    if (error instanceof Refusal) {
      return Response.json({ code: error.code, message: error.message }, { status: error.status });
    }
    if (error instanceof ConnectionCut) throw error;
    process.stderr.write(`${error.stack ?? error.message}\n`);
    return c.json({ code: 'InternalError', message: error.message }, 500);
  });
  return app;
}
