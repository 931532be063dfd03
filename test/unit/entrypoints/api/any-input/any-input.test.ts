import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { routes } from '../../../../../functions/entrypoints/api/contract.ts';
import type { Route } from '../../../../../functions/entrypoints/api/routes/route.ts';
import { logger } from '../../../../../functions/platform/runtime/logger.ts';
import { isObject } from './any-json.ts';
import { anyRequest } from './any-request.ts';
import type { Answered, InProcessApi } from './api.ts';
import { furnishedApi } from './furnished-api.ts';
import { contradiction, isOfNoRoute } from './schema.ts';

const RUNS = Number(process.env['ANY_INPUT_RUNS'] ?? 120);
/** Seed of the random requests. The default is fixed: a random seed might draw no request that the API accepts. */
const SEED = Number(process.env['ANY_INPUT_SEED'] ?? 7);
const all: readonly Route[] = routes;
let api: InProcessApi;
const failures: unknown[] = [];

beforeAll(async () => {
  vi.spyOn(logger, 'info').mockImplementation(() => undefined);
  vi.spyOn(logger, 'error').mockImplementation((...entry) => void failures.push(entry));
});

beforeEach(async () => {
  failures.length = 0;
  api = await furnishedApi();
});

afterAll(() => {
  vi.restoreAllMocks();
});

test.each(all.map((route) => [route.operationId, route] as const))(
  '%s answers any request as the OpenAPI document describes, and a GET returns what an accepted request wrote',
  async (_, route) => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(anyRequest(route), async ({ request, json }) => {
        const answered = await api.ask(route.handler, request);
        expect(answered.status, JSON.stringify(failures.at(-1), errorsToo)).toBeLessThan(500);
        // The document has no answer to a path without a route, or to a method that the path does not support.
        if (answered.status !== 405 && !isOfNoRoute(answered)) {
          expect(contradiction(route, answered.status, answered.body)).toBeUndefined();
        }
        expectFields(answered);
        if (answered.status >= 300) return;
        accepted += 1;
        if (route.body) await expectKept(route, request.path ?? '', json, answered);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(accepted).toBeGreaterThan(0);
    api.close();
  },
  60_000,
);

/** Asserts that the answer to an invalid request lists at least one field error. */
function expectFields({ status, body }: Answered): void {
  if (status !== 400 || !isObject(body) || body['code'] !== 'invalid-request') return;
  expect(body['errors']).not.toEqual([]);
}

/** Asserts that the answer to a write shows the values that were sent, and that a GET returns what the answer shows. */
async function expectKept(route: Route, path: string, json: unknown, answered: Answered): Promise<void> {
  const { location } = answered.headers;
  const readAt = typeof location === 'string' ? location : readPath(route, path);
  if (readAt === undefined) return;
  const read = all.find((one) => one.method === 'GET' && matches(one.path, readAt));
  if (!read) throw new Error(`no GET route matches ${readAt}`);
  const again = await api.ask(read.handler, { method: 'GET', path: readAt });
  expect(again.status, JSON.stringify(failures.at(-1), errorsToo)).toBe(200);
  expect(contradiction(read, 200, again.body)).toBeUndefined();
  expectShown(json, answered.body, '');
  expectShown(answered.body, again.body, '');
}

/** Returns the path at which a GET reads the object that a PUT changed; undefined for other methods. */
function readPath({ method }: Route, path: string): string | undefined {
  return method === 'PUT' ? path.replace(/\/(limits|orphan-policy|credential|network)$/, '') : undefined;
}

const matches = (pattern: string, path: string): boolean =>
  new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path);

/** Fields that may change between the write and the read. */
const CHANGING = new Set([
  'status',
  'counts',
  'rotation',
  'startedAt',
  'allowedActions',
  'progress',
  'costUsd',
]);

function expectShown(sent: unknown, shown: unknown, field: string): void {
  if (isObject(sent) && isObject(shown)) {
    for (const [name, member] of Object.entries(sent)) {
      if (name in shown && !CHANGING.has(name)) expectShown(member, shown[name], `${field}/${name}`);
    }
    return;
  }
  expect(shown, field).toEqual(sent);
}

function errorsToo(_name: string, value: unknown): unknown {
  return value instanceof Error ? `${value.stack}` : value;
}
