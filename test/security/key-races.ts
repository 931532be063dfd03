import * as z from 'zod';
import { InProcessApi } from '../unit/entrypoints/api/any-input/api.ts';

const madeSchema = z.object({ id: z.string(), key: z.string() });
const json = { 'content-type': 'application/json' };
const as = (key: string) => ({ authorization: `Bearer ${key}` });

/** Maximum number of requests with a key while the key is revoked. */
const MOST_REQUESTS = 6;

/**
 * Revokes keys while they are used, and while they make other keys. Afterwards, the API has to refuse the key and each key
 * that it made.
 *
 * @param random returns a random number in [0, 1)
 * @returns the violations
 */
export async function raceRevocations(rounds: number, random: () => number): Promise<string[]> {
  const api = new InProcessApi();
  await api.open();
  const violations: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const found = await raceOne(api, 1 + Math.floor(random() * MOST_REQUESTS), random);
    violations.push(...found.map((text) => `round ${round}: ${text}`));
  }
  api.close();
  return violations;
}

async function raceOne(api: InProcessApi, requests: number, random: () => number): Promise<string[]> {
  const parent = madeSchema.parse((await makeKey(api)).body);
  const revoking = async () => {
    await turns(random);
    return await api.ask('access', { method: 'DELETE', path: `/v1/api-keys/${parent.id}` });
  };
  const using = Array.from({ length: requests }, async () => {
    await turns(random);
    return await makeKey(api, parent.key);
  });
  const [revoked, ...made] = await Promise.all([revoking(), ...using]);
  const violations: string[] = [];
  if (revoked.status !== 204) violations.push(`the revocation was answered ${revoked.status}`);
  const children = made.filter(({ status }) => status === 201).map(({ body }) => madeSchema.parse(body).key);
  const odd = made.filter(({ status }) => status !== 201 && status !== 401);
  for (const { status } of odd) violations.push(`a request with the key was answered ${status}`);
  for (const key of [parent.key, ...children]) {
    const { status } = await api.ask('access', { method: 'GET', path: '/v1/namespaces', headers: as(key) });
    if (status !== 401) violations.push(`a revoked key, or a key that it made, was answered ${status}`);
  }
  return violations;
}

const makeKey = (api: InProcessApi, key?: string) =>
  api.ask('access', {
    method: 'POST',
    path: '/v1/api-keys',
    headers: { ...json, ...(key === undefined ? {} : as(key)) },
    body: JSON.stringify({ name: 'raced-for' }),
  });

/** Waits for some turns of the event loop, so that the requests of a race begin in another order each time. */
async function turns(random: () => number): Promise<void> {
  for (let left = Math.floor(random() * 12); left > 0; left -= 1) await Promise.resolve();
}
