import type { Cloud } from '../../../functions/model/cloud.ts';
import type { LimitOverride } from '../../../functions/model/limit-profile.ts';
import type { OrphanPolicy } from '../../../functions/model/orphan.ts';
import { isTransient } from '../../../functions/platform/runtime/transient.ts';
import { readConnection } from '../../../functions/platform/store/connections.ts';
import { Process } from '../ground/process.ts';
import { ENDPOINT } from '../models/clouds.ts';
import { type Lab, NAMESPACE } from './lab.ts';

const POLL_MS = 1_000;

export interface WantedConnection {
  name: string;
  cloud: Cloud;
  limits?: LimitOverride;
  orphans?: OrphanPolicy;
}

/** Time in ms after which a request can replace a connection whose secret was not stored. */
const UNFINISHED_MS = 61_000;

/** Repeats the request that creates a connection while AWS throttles it. */
async function untilMade(lab: Lab, request: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await request();
      return;
    } catch (error) {
      if (!isTransient(error)) throw error;
      await lab.ground.sleep(UNFINISHED_MS);
    }
  }
}

/** Creates the namespace and its connections through the API, and waits until each inventory is synced. */
export async function furnish(lab: Lab, connections: readonly WantedConnection[]): Promise<void> {
  const { ground } = lab;
  const about = { query: {}, idempotencyKey: undefined };
  await lab.requestAccess((api) => api.createNamespace({ ...about, params: {}, body: { name: NAMESPACE } }));
  for (const connection of connections) {
    const credential = { account: connection.name };
    const body = { ...connection, driver: 'sim' as const, endpoint: ENDPOINT, credential };
    await untilMade(lab, () =>
      lab.requestConnections((api) =>
        api.createConnection({ ...about, params: { namespace: NAMESPACE }, body }),
      ),
    );
  }
  const store = lab.tables.storeOf(new Process('setup', ground, 0));
  for (const { name } of connections) {
    while ((await readConnection(store, NAMESPACE, name))?.inventorySyncedAt === undefined) {
      await ground.sleep(POLL_MS);
    }
  }
}
