import { afterAll, beforeAll, expect, test } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { readBooks } from '../../../../local/sim/engine/books.ts';
import type { SimServer } from '../../../../local/sim/serve.ts';
import { connect, LOCATION, prepare, startQuickServer } from './sim-server.ts';

let server: SimServer;
beforeAll(async () => {
  server = await startQuickServer();
});
afterAll(() => server.close());

test('the simulated clouds throttle creates that no governor (rate limiter) limits, and their record of calls (books) counts each throttled create', async () => {
  const client = connect(server);
  const { spec } = await prepare(client);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, (_, n) => client.createInstance(spec(n))),
  );
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect(refused.length).toBeGreaterThan(20);
  const perSecond = server.engine.world.config.clouds['aws']?.rates.create.perSecond;
  expect(refused.some(({ limitPerSecond }) => limitPerSecond !== undefined)).toBe(true);
  for (const error of refused) {
    expect(error).toBeInstanceOf(DriverError);
    expect(error).toMatchObject({ code: 'Throttled', retryAfterMs: expect.any(Number) });
    const isRate = /the rate limit of create calls/.test(String(error.message));
    expect(error.limitPerSecond).toBe(isRate ? perSecond : undefined);
  }
  const [books] = readBooks(server.engine.world, { location: LOCATION }).clouds;
  expect(books?.instances).toHaveLength(60 - refused.length);
  expect(books?.throttled).toBe(refused.length);
  const violations = Object.values(books?.limitViolations ?? {}).reduce((sum, count) => sum + count, 0);
  expect(violations).toBe(refused.length);
});
