import { setTimeout as sleep } from 'node:timers/promises';
import { ApiProblem, type Client } from '../client/index.ts';
import type { Cloud } from '../functions/model/cloud.ts';
import { accountKey } from './sim/engine/account-key.ts';
import { StartFailure } from './state/start-failure.ts';

const CLOUDS = [
  'aws',
  'azure',
  'gcp',
  'alibaba',
  'tencent',
  'ibm',
  'ncp',
  'openstack',
] as const satisfies Cloud[];
const NAMESPACE = 'default';
const READY_MS = 60_000;

export interface Target {
  /** The address at which Lambda functions reach the simulated clouds. */
  endpoint: string;
  /** The key of the clouds' control API. Each account's API key is derived from this key. */
  simKey: string;
  /** True if existing connections have keys that are derived from `simKey`. */
  isKnownKey: boolean;
}

/**
 * Makes the namespace `default` and a connection to each simulated cloud. Keeps the namespace and the connections that
 * already exist. Waits until each connection is verified and its inventory is read.
 *
 * @returns the number of connections made
 * @throws StartFailure naming the connections that do not become ready
 */
export async function ensureConnections(api: Client, target: Target): Promise<number> {
  await unlessTaken(api.createNamespace({ body: { name: NAMESPACE } }));
  const made = await Promise.all(CLOUDS.map((cloud) => ensureConnection(api, cloud, target)));
  await waitUntilReady(api);
  return made.filter(Boolean).length;
}

/**
 * Makes a cloud's connection if it does not exist. Repairs an existing connection, or replaces it if its
 * endpoint has changed.
 *
 * @returns true if this call made the connection
 */
async function ensureConnection(api: Client, cloud: Cloud, target: Target): Promise<boolean> {
  const { endpoint, simKey, isKnownKey } = target;
  const name = `sim-${cloud}`;
  const params = { namespace: NAMESPACE, connection: name };
  const credential = { account: name, apiKey: accountKey(simKey, name) };
  const body = { name, driver: 'sim' as const, cloud, credential, endpoint };
  const create = () => unlessTaken(api.createConnection({ params: { namespace: NAMESPACE }, body }));
  if (await create()) return true;
  const known = await api.getConnection({ params });
  if (known.endpoint === endpoint) {
    if (!isKnownKey) await api.rotateCredential({ params, body: { credential } });
    else if (known.status === 'Failed') await api.verifyConnection({ params });
    else if (known.inventorySyncedAt === undefined) await api.syncInventory({ params });
    return false;
  }
  try {
    await api.deleteConnection({ params });
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    throw new StartFailure(
      `connection ${name} has the endpoint ${known.endpoint}, which the simulated clouds no longer have: ${error.message}`,
      'Remove all data with `fleetwright local down --purge`, then run `fleetwright local up`.',
      { cause: error },
    );
  }
  return await create();
}

async function waitUntilReady(api: Client): Promise<void> {
  const wanted: readonly string[] = CLOUDS.map((cloud) => `sim-${cloud}`);
  for (const deadline = Date.now() + READY_MS; ; await sleep(200)) {
    const { items } = await api.listConnections({ params: { namespace: NAMESPACE }, query: { limit: 500 } });
    const ready = items.filter(
      ({ status, inventorySyncedAt }) => status === 'Ready' && inventorySyncedAt !== undefined,
    );
    const readyNames = new Set(ready.map(({ name }) => name));
    const waiting = wanted.filter((name) => !readyNames.has(name));
    if (waiting.length === 0) return;
    const late = items.filter(({ name }) => waiting.includes(name));
    if (Date.now() < deadline && late.every(({ status }) => status !== 'Failed')) continue;
    const reasons = late.map(({ name, status, failure }) => `  ${name}: ${failure?.message ?? status}`);
    throw new StartFailure(
      ['these connections to the simulated clouds did not become Ready:', ...reasons].join('\n'),
      'Run `fleetwright local logs` to see the logs of the functions.',
    );
  }
}

/** Waits for a request that creates an object. @returns false if the object already exists */
async function unlessTaken(made: Promise<unknown>): Promise<boolean> {
  try {
    await made;
    return true;
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 409) return false;
    throw error;
  }
}
