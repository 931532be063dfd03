import { getNetwork, listNetworks, type NetworkCursor } from '../../../features/networks/network-view.ts';
import { requestRemoval } from '../../../features/networks/request-removal.ts';
import { connectionsOf } from '../../../features/sweeps/sweep-view.ts';
import type { Connection, DriverName } from '../../../model/connection.ts';
import { connectionKey, parseConnectionKey } from '../../../model/identifiers.ts';
import {
  type OverlappingRange,
  readReservations,
  reserveRanges,
} from '../../../platform/store/address-ranges.ts';
import { readVisible } from '../../../platform/store/connection-shares.ts';
import { connectionStands } from '../../../platform/store/connections.ts';
import type { Store } from '../../../platform/store/store.ts';
import { Contended } from '../../../platform/store/versioned.ts';
import type { DriverMessage } from '../../../platform/workflow/messages.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { findVisible, sharedByOther, withShared } from '../find-connection.ts';
import type { OperationsOf } from '../handle.ts';
import { notFound, Problem, refuse } from '../problem.ts';
import { requireNamespace } from '../require-namespace.ts';

interface NetworkDeps {
  store: Store<'access' | 'fleets'>;
  send(driver: DriverName, message: DriverMessage): Promise<void>;
}

type NetworkOperations = Pick<
  OperationsOf<'resources'>,
  'listNetworks' | 'getNetwork' | 'removeNetworks' | 'getNetworkRanges' | 'setNetworkRanges'
>;

const RESERVE_TRIES = 5;

/** Operations about the networks that fleets share, and about those of single fleets. */
export function networkOperations({ store, send }: NetworkDeps): NetworkOperations {
  const read = async (namespace: string, name: string): Promise<Connection> =>
    (await findVisible(store, namespace, name)).connection;
  const allOf = async (namespace: string) =>
    await withShared(store, namespace, await connectionsOf(store, namespace));
  return {
    async listNetworks({ params: { namespace }, query: { cursor, unused, ...query } }) {
      await requireNamespace(store, namespace);
      const page = await listNetworks(store, namespace, await allOf(namespace), {
        ...query,
        unused: unused === 'true',
        cursor: networkCursor(cursor),
      });
      return { body: { items: page.items, cursor: encodeCursor(joined(page.cursor)) } };
    },
    async getNetwork({ params: { namespace, network: name } }) {
      await requireNamespace(store, namespace);
      const network = await getNetwork(store, namespace, await allOf(namespace), name);
      if (!network) throw notFound(`network ${name}`);
      return { body: network };
    },
    async removeNetworks({ params: { namespace }, body: { connection: name, location } }) {
      await requireNamespace(store, namespace);
      const visible = name === undefined ? undefined : await readVisible(store, namespace, name);
      if (visible?.isShared) throw sharedByOther(visible.connection);
      const named = visible?.connection;
      if (name !== undefined && !named) {
        const message = `namespace ${namespace} has no connection ${name}`;
        refuse([{ pointer: '/connection', code: 'unknown-connection', message }]);
      }
      const connections = named ? [named] : await connectionsOf(store, namespace);
      return { body: { removing: await requestRemoval(store, connections, location, send) } };
    },
    async getNetworkRanges({ params: { namespace, connection: name } }) {
      const connection = await read(namespace, name);
      const site = { namespace, connectionKey: connectionKey(connection) };
      return { body: { ranges: await readReservations(store, site) } };
    },
    async setNetworkRanges({ params: { namespace, connection: name }, body: { ranges } }) {
      for (let attempt = 1; attempt <= RESERVE_TRIES; attempt += 1) {
        const connection = await read(namespace, name);
        if (connection.deletion) throw new Problem('being-deleted', `connection ${name} is being deleted`);
        const site = { namespace, connectionKey: connectionKey(connection) };
        const outcome = await reserveRanges(store, site, ranges, [
          connectionStands(store, connection, namespace),
        ]);
        if (outcome === 'reserved') return { body: { ranges } };
        if (outcome !== 'contended') refuse(outcome.overlapping.map(overlapError));
        await store.clock.sleep(store.random() * 50 * attempt);
      }
      throw new Contended(`address ranges of namespace ${namespace}`);
    },
  };
}

function overlapError({ location, with: other }: OverlappingRange) {
  const { name } = parseConnectionKey(other.connectionKey);
  const what = other.name === undefined ? 'is reserved for' : 'has';
  return {
    pointer: `/ranges/${location}`,
    code: 'overlapping-range',
    message: `overlaps with ${other.cidr}, which ${other.name === undefined ? `${what} the network` : `the network ${other.name} ${what}`} of connection ${name} at ${other.location}`,
  };
}

const joined = (cursor: NetworkCursor | null): string | null =>
  cursor && ('fleetId' in cursor ? `f~${cursor.fleetId}` : `s~${cursor.connection}~${cursor.after}`);

function networkCursor(cursor: string | undefined): NetworkCursor | undefined {
  const text = decodeCursor(cursor, /^(f~f[0-9a-z]{16}|s~[a-z0-9-]{3,40}~[\x20-\x7e]{0,300})$/);
  if (text === undefined) return undefined;
  const [kind, first = '', ...rest] = text.split('~');
  return kind === 'f' ? { fleetId: first } : { connection: first, after: rest.join('~') };
}
