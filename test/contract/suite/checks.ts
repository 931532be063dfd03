import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Time limit of every call of a driver, in ms, even if the cloud does not answer. If a call takes longer, the
 * assertion fails.
 */
export const CALL_MS = 30_000;

/** Returns a port of this machine on which no process listens. */
export async function unusedPort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

export const sorted = (list: readonly string[]): string[] => [...list].sort();

export function assertUnique(what: string, list: readonly string[]): void {
  const twice = list.filter((one, at) => list.indexOf(one) !== at);
  assert.deepEqual(twice, [], `duplicate ${what}`);
}

/** Returns the result of `work`. @throws AssertionError if `work` takes longer than `mostMs` */
export async function inTime<Answer>(what: string, work: Promise<Answer>, mostMs = CALL_MS): Promise<Answer> {
  const startedMs = performance.now();
  try {
    return await work;
  } finally {
    const tookMs = Math.round(performance.now() - startedMs);
    assert.ok(tookMs <= mostMs, `${what} took ${tookMs} ms`);
  }
}
