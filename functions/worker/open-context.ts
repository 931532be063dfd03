import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { CloudClient, Driver } from '../drivers/driver.ts';
import { DriverError } from '../drivers/errors.ts';
import { parseConnectionKey } from '../model/identifiers.ts';
import { limitProfileOf } from '../model/limit-profile.ts';
import { layOut } from '../placement/lay-out.ts';
import type { Env } from '../runtime/env.ts';
import { logger } from '../runtime/logger.ts';
import { usage } from '../runtime/usage.ts';
import { readCredential } from '../secrets/credentials.ts';
import { openStore } from '../store/client.ts';
import { readConnection } from '../store/connections.ts';
import { readSpec } from '../store/fleets.ts';
import { placeName } from '../store/keys.ts';
import { type NetworkItem, readNetworks } from '../store/networks.ts';
import { Cache } from './cache.ts';
import type { FleetLayout, OpenConnection, WorkerContext } from './context.ts';
import { openQueue } from './queue.ts';
import { openTasks } from './tasks.ts';

export const WORKER_ENV = [
  'DEPLOYMENT_ID',
  'FLEETS_TABLE',
  'GOVERNOR_TABLE',
  'CATALOGUE_TABLE',
  'ACCESS_TABLE',
  'QUEUE_URLS',
  'SECRETS_PREFIX',
] as const;

/** A changed limit profile or credential is in force everywhere after this. */
const CONNECTION_KEPT_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The context of one driver's function, made once per process. */
export function openContext(driver: Driver, env: Env<(typeof WORKER_ENV)[number]>): WorkerContext {
  const store = openStore({
    fleets: env.FLEETS_TABLE,
    governor: env.GOVERNOR_TABLE,
    catalogue: env.CATALOGUE_TABLE,
    access: env.ACCESS_TABLE,
  });
  const queueUrl = env.QUEUE_URLS[driver.name];
  if (queueUrl === undefined) throw new Error(`QUEUE_URLS has no queue of driver ${driver.name}`);
  const ssm = new SSMClient({});
  const connections = new Cache<OpenConnection>(store.clock, CONNECTION_KEPT_MS);
  const layouts = new Cache<FleetLayout>(store.clock, HOUR_MS, 50);
  const networks = new Cache<NetworkItem[]>(store.clock, HOUR_MS, 500);
  return {
    store,
    driver,
    deploymentId: env.DEPLOYMENT_ID,
    open: (connectionKey) =>
      connections.get(connectionKey, async () => {
        const { namespace, name } = parseConnectionKey(connectionKey);
        const connection = await readConnection(store, namespace, name);
        if (!connection) throw new DriverError('Unauthorized', `there is no connection ${connectionKey}`);
        const credential = await readCredential(ssm, env.SECRETS_PREFIX, connection);
        const client = driver.connect({
          cloud: connection.cloud,
          credential,
          deploymentId: env.DEPLOYMENT_ID,
          ...(connection.endpoint === undefined ? {} : { endpoint: connection.endpoint }),
        });
        return {
          connection,
          limits: limitProfileOf(connection.cloud, connection.limits),
          client: countCalls(client),
        };
      }),
    forget: (connectionKey) => connections.forget(connectionKey),
    layout: (fleetId) =>
      layouts.get(fleetId, async () => {
        const spec = await readSpec(store, fleetId);
        return { fleetId, namespace: spec.namespace, placements: layOut(spec) };
      }),
    networks: async (fleetId, place) => {
      const key = `${fleetId}#${placeName(place.connectionKey, place.location)}`;
      const items = await networks.get(key, () => readNetworks(store, { fleetId, ...place }));
      if (items.some(({ status }) => status !== 'Ready')) networks.forget(key);
      return items.filter(({ status }) => status === 'Ready');
    },
    send: openQueue(new SQSClient({}), queueUrl),
    tasks: openTasks(new SFNClient({})),
    loopsSeen: new Map(),
    log: logger,
  };
}

/** Each method of a client is a call at the cloud, counted in `usage`. */
function countCalls(client: CloudClient): CloudClient {
  return new Proxy(client, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        usage.cloudCalls += 1;
        return Reflect.apply(member, target, args);
      };
    },
  });
}
