import type { CloudClient, Driver } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection, Credential } from '../../model/connection.ts';
import { connectionKey as connectionKeyOf, parseConnectionKey } from '../../model/identifiers.ts';
import { limitProfileOf } from '../../model/limits-in-force.ts';
import { type OutsideBeat, restoresOf } from '../deployment/beat.ts';
import { layOut } from '../placement/lay-out.ts';
import { readConnectionOf } from '../store/connections.ts';
import { readBeat } from '../store/deployment.ts';
import { readSpec } from '../store/fleets.ts';
import { siteName } from '../store/keys.ts';
import { readSiteNetworks, type SiteResource } from '../store/site-networks.ts';
import { Backoff } from './backoff.ts';
import { Cache } from './cache.ts';
import { CallHealth } from './call-health.ts';
import {
  CONNECTION_KEPT_MS,
  type FleetLayout,
  type OpenConnection,
  type SiteRef,
  type WorkerContext,
} from './context.ts';
import { countSavings } from './count-savings.ts';
import { CallGovernor } from './govern-calls.ts';
import { WordCounter } from './note-words.ts';

const HOUR_MS = 3_600_000;

/** Dependencies from which `makeContext` makes the context of a worker. */
export interface WorkerParts
  extends Pick<
    WorkerContext,
    'store' | 'writerId' | 'timeLimitMs' | 'sharedNetworks' | 'send' | 'hide' | 'tasks' | 'publish' | 'log'
  > {
  driver: Driver;
  /** @throws DriverError Unauthorized if there is no credential */
  readCredential(connection: Connection): Promise<Credential>;
  /**
   * The copy of the beat (a counter) that is kept outside of the tables. A restore of the tables does not change this
   * copy.
   */
  outside: Pick<OutsideBeat, 'read'>;
  /** Reads the deployment's id from the table, or writes it there. */
  readDeploymentId(): Promise<string>;
}

/** Makes the context of one worker process, with its own caches. */
export function makeContext({
  readCredential,
  readDeploymentId,
  outside,
  ...parts
}: WorkerParts): WorkerContext {
  const { store, driver } = parts;
  const invocation = { endsAtMs: store.clock.now() + parts.timeLimitMs };
  const deploymentId = keptOnceRead(readDeploymentId);
  const words = new WordCounter(store, parts.log);
  const connections = new Cache<OpenConnection>(store.clock, CONNECTION_KEPT_MS, 'connections');
  const layouts = new Cache<FleetLayout>(store.clock, HOUR_MS, 'layouts', 50);
  const networks = new Cache<SiteResource[]>(store.clock, HOUR_MS, 'networks', 500);
  const connect = async (
    connection: Connection,
    isTrial: boolean,
    refused: () => void,
  ): Promise<OpenConnection> => {
    const connectionKey = connectionKeyOf(connection);
    const limits = limitProfileOf(connection, connection.limits);
    const calls = new CallGovernor(store, parts.log, {
      connectionKey,
      limits,
      endsAtMs: () => invocation.endsAtMs,
      health: isTrial ? undefined : new CallHealth(store, parts.log, connection),
      noteWords: (answer) => words.note({ connectionKey, createdAt: connection.createdAt }, answer),
    });
    const client = driver.connect({
      cloud: connection.cloud,
      credential: await readCredential(connection),
      deploymentId: await deploymentId(),
      connectionKey: `${connection.namespace}/${connection.name}`,
      isTrial,
      calls,
      ...(connection.endpoint === undefined ? {} : { endpoint: connection.endpoint }),
    });
    const watched = watchCalls(client, refused);
    return {
      connection,
      limits,
      client: calls.client(watched),
      onTerms: (terms) => calls.client(watched, terms),
    };
  };
  return {
    ...parts,
    deploymentId,
    restores: async () => {
      // The beat outside is read first. If another process advances the beat between the two reads, the beat in the
      // tables is ahead, which does not count as a restore.
      const known = await outside.read(await deploymentId());
      return restoresOf(await readBeat(store), known);
    },
    open: (connectionKey) =>
      connections.get(connectionKey, async () => {
        const connection = await readConnectionOf(store, parseConnectionKey(connectionKey));
        if (!connection) throw new DriverError('Unauthorized', `connection ${connectionKey} does not exist`);
        return await connect(connection, false, () => connections.forget(connectionKey));
      }),
    openWith: async (connection) => await connect(connection, true, () => undefined),
    forget: (connectionKey) => connections.forget(connectionKey),
    layout: (fleetId) =>
      layouts.get(fleetId, async () => {
        const spec = await readSpec(store, fleetId);
        return {
          fleetId,
          namespace: spec.namespace,
          name: spec.name,
          labels: spec.labels ?? {},
          priority: spec.priority ?? 'normal',
          nodeGroups: spec.nodeGroups,
          placements: layOut(spec),
        };
      }),
    forgetNetworks: (fleetId, site, round) => networks.forget(networksKey(fleetId, site, round)),
    networks: async (fleetId, site, round) => {
      const key = networksKey(fleetId, site, round);
      const items = await networks.get(key, async () => {
        const { items } = await readSiteNetworks(store, { fleetId, ...site });
        return items;
      });
      if (items.length > 0 && items.every(({ status }) => status === 'Ready')) return items;
      networks.forget(key);
      return [];
    },
    invocation,
    loopsSeen: new Map(),
    backoff: new Backoff(store.clock, store.random),
  };
}

const networksKey = (fleetId: string, site: SiteRef, round: number): string =>
  `${fleetId}#${round}#${siteName(site.connectionKey, site.location)}`;

/** Returns a function that calls `read` once and caches the answer. A failure is not cached. */
function keptOnceRead(read: () => Promise<string>): () => Promise<string> {
  let kept: Promise<string> | undefined;
  return () => {
    kept ??= read().catch((error: unknown) => {
      kept = undefined;
      throw error;
    });
    return kept;
  };
}

/**
 * Returns a client that counts saved calls (`runtime/usage.ts`), and calls `refused` if the cloud refuses the
 * credential. `refused` can then remove the client from a cache, so that the next message opens a client with the
 * credential in force.
 */
function watchCalls(client: CloudClient, refused: () => void): CloudClient {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const answer: unknown = Reflect.apply(member, target, args);
        if (answer instanceof Promise) {
          answer.then(
            (answered: unknown) => countSavings(String(name), args[0], answered),
            (error: unknown) => {
              if (error instanceof DriverError && error.code === 'Unauthorized') refused();
            },
          );
        }
        return answer;
      };
    },
  });
}
