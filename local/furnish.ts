import { ApiProblem, createClient } from '../client/index.ts';
import { CLOUDS } from '../functions/model/cloud.ts';
import { issueApiKey } from '../functions/store/api-keys.ts';
import { openStore } from '../functions/store/client.ts';
import { LocalFailure } from './failure.ts';
import type { LocalContext } from './home.ts';
import { pause } from './processes.ts';

export const NAMESPACE = 'default';
const SYNC_SECONDS = 120;

/**
 * An API key of the local stack: the one known, while it is still good, or a new one, written into the table with
 * AWS rights, which whoever runs the engine has.
 */
export async function ensureApiKey(
  accessTable: string,
  apiUrl: string,
  known: string | undefined,
): Promise<string> {
  if (known !== undefined && (await isGood(apiUrl, known))) return known;
  const store = openStore({ access: accessTable });
  return (await issueApiKey(store, { name: 'local-up' })).key;
}

async function isGood(apiUrl: string, apiKey: string): Promise<boolean> {
  try {
    await createClient({ apiUrl, apiKey }).listNamespaces();
    return true;
  } catch (error) {
    if (error instanceof ApiProblem) return false;
    throw error;
  }
}

/** The namespace, a connection for each simulated cloud, and what they offer, as a new user finds them. */
export async function furnish({
  apiUrl,
  apiKey,
  simUrl,
}: Pick<LocalContext, 'apiUrl' | 'apiKey' | 'simUrl'>): Promise<void> {
  const client = createClient({ apiUrl, apiKey });
  const params = { namespace: NAMESPACE };
  await unlessTaken(() => client.createNamespace({ body: { name: NAMESPACE } }));
  const { items } = await client.listConnections({ params });
  for (const cloud of CLOUDS) {
    const name = `sim-${cloud}`;
    const standing = items.find((one) => one.name === name);
    if (standing?.endpoint === simUrl) continue;
    if (standing) await client.deleteConnection({ params: { ...params, connection: name } });
    const body = { name, driver: 'sim' as const, cloud, credential: { account: name }, endpoint: simUrl };
    await unlessTaken(() => client.createConnection({ params, body }));
  }
  const ours = new Set<string>(CLOUDS.map((cloud) => `sim-${cloud}`));
  for (const untilMs = Date.now() + SYNC_SECONDS * 1_000; ; await pause(250)) {
    const connections = (await client.listConnections({ params })).items.filter(({ name }) => ours.has(name));
    const failed = connections.find(({ status }) => status === 'Failed');
    if (failed) {
      throw new LocalFailure(
        `connection ${failed.name} failed: ${failed.failure?.message ?? 'no reason told'}`,
        'See `fleetwright local logs engine` and `fleetwright local logs sim`.',
      );
    }
    if (connections.every(({ status, inventorySyncedAt }) => status === 'Ready' && inventorySyncedAt)) return;
    if (Date.now() > untilMs) {
      throw new LocalFailure(
        `the connections were not ready within ${SYNC_SECONDS} s`,
        'See `fleetwright local logs engine`.',
      );
    }
  }
}

async function unlessTaken(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!(error instanceof ApiProblem && error.code === 'name-taken')) throw error;
  }
}
