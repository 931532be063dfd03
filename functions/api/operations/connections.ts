import { isDeepStrictEqual } from 'node:util';
import type { SSMClient } from '@aws-sdk/client-ssm';
import { type ConnectionRules, connectionErrors, credentialErrors } from '../../connections/check-request.ts';
import { DRIVERS } from '../../drivers/registry.ts';
import type { Connection, DriverName } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import { DEFAULT_LIMIT_PROFILES, POWER_LIMIT_PROFILES, REQUEST_MORE } from '../../model/limit-tiers.ts';
import { limitProfileOf } from '../../model/limits-in-force.ts';
import { DEFAULT_ORPHAN_POLICY } from '../../model/orphan.ts';
import { deleteCredential, putCredential } from '../../secrets/credentials.ts';
import type { Store } from '../../store/client.ts';
import {
  createConnection,
  deleteConnection,
  listConnections,
  readConnection,
  updateConnection,
} from '../../store/connections.ts';
import { hasLiveFleets } from '../../store/live-fleets.ts';
import { clearCatalogue } from '../../store/write-catalogue.ts';
import type { DriverMessage } from '../../workflow/messages.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { OperationsOf } from '../handle.ts';
import { notFound, Problem, refuse } from '../problem.ts';
import { requireNamespace } from '../require-namespace.ts';
import { limitOperations } from './limits.ts';

export interface ConnectionDeps extends ConnectionRules {
  store: Store<'access' | 'fleets' | 'catalogue' | 'governor'>;
  ssm: SSMClient;
  secretsPrefix: string;
  send(driver: DriverName, message: DriverMessage): Promise<void>;
}

const withLimits = (connection: Connection) => ({
  ...connection,
  limitProfile: limitProfileOf(connection.cloud, connection.limits),
  orphans: connection.orphans ?? DEFAULT_ORPHAN_POLICY,
});

export function connectionOperations(deps: ConnectionDeps): OperationsOf<'connections'> {
  const { store, ssm, secretsPrefix, send } = deps;
  const read = async (namespace: string, name: string): Promise<Connection> => {
    const connection = await readConnection(store, namespace, name);
    if (!connection) throw notFound(`connection ${name}`);
    return connection;
  };
  /** @throws Problem 400 when nobody would take a message about it: its driver is not deployed any more */
  const readDeployed = async (namespace: string, name: string): Promise<Connection> => {
    const connection = await read(namespace, name);
    const message = `driver ${connection.driver} is not deployed; this deployment has ${deps.drivers.join(', ')}`;
    if (!deps.drivers.includes(connection.driver))
      refuse([{ pointer: '', code: 'driver-not-deployed', message }]);
    return connection;
  };
  return {
    ...limitOperations(store, read),
    listDrivers: () => Promise.resolve({ body: { items: deps.drivers.map(describe), cursor: null } }),
    async createConnection({ params: { namespace }, body: { credential, ...request } }) {
      await requireNamespace(store, namespace);
      refuse(connectionErrors({ credential, ...request }, deps));
      const connection = await register(store, {
        namespace,
        ...request,
        status: 'Verifying',
        createdAt: new Date(store.clock.now()).toISOString(),
      });
      const credentialVersion = await putCredential(ssm, secretsPrefix, connection, credential);
      await updateConnection(store, namespace, request.name, { credentialVersion });
      await send(connection.driver, {
        kind: 'verify',
        connectionKey: connectionKey(namespace, request.name),
      });
      return {
        body: withLimits({ ...connection, credentialVersion }),
        headers: { location: `/v1/namespaces/${namespace}/connections/${request.name}` },
      };
    },
    async listConnections({ params: { namespace }, query: { limit, cursor } }) {
      await requireNamespace(store, namespace);
      const page = await listConnections(store, namespace, { limit, cursor: decodeCursor(cursor) });
      return { body: { items: page.items.map(withLimits), cursor: encodeCursor(page.cursor) } };
    },
    async getConnection({ params: { namespace, connection } }) {
      return { body: withLimits(await read(namespace, connection)) };
    },
    async deleteConnection({ params: { namespace, connection: name } }) {
      const connection = await read(namespace, name);
      const refuseInUse = async () => {
        if (!(await hasLiveFleets(store, namespace, name))) return;
        throw new Problem('in-use', `fleets use connection ${name}: delete them first`);
      };
      await refuseInUse();
      // No fleet is accepted on it from here on; one that came in meanwhile is seen by the second look.
      await updateConnection(store, namespace, name, { status: 'Failed', failure: DELETING });
      await refuseInUse();
      await deleteCredential(ssm, secretsPrefix, connection);
      await clearCatalogue(store, connectionKey(namespace, name));
      // The record last: a deletion cut short can be asked for again.
      await deleteConnection(store, namespace, name);
      return { body: undefined };
    },
    async setOrphanPolicy({ params: { namespace, connection: name }, body: orphans }) {
      if (!(await updateConnection(store, namespace, name, { orphans })))
        throw notFound(`connection ${name}`);
      return { body: withLimits(await read(namespace, name)) };
    },
    async verifyConnection({ params: { namespace, connection: name } }) {
      const connection = await readDeployed(namespace, name);
      // A disabled connection's credential is verified, too, and it stays disabled.
      await updateConnection(store, namespace, name, { status: 'Verifying' }, { statusNot: 'Disabled' });
      await send(connection.driver, { kind: 'verify', connectionKey: connectionKey(namespace, name) });
      return { body: withLimits(await read(namespace, name)) };
    },
    async setLimits({ params: { namespace, connection: name }, body: limits }) {
      const isReset = Object.keys(limits).length === 0;
      const written = isReset
        ? await updateConnection(store, namespace, name, {}, { remove: ['limits'] })
        : await updateConnection(store, namespace, name, { limits });
      if (!written) throw notFound(`connection ${name}`);
      return { body: withLimits(await read(namespace, name)) };
    },
    async rotateCredential({ params: { namespace, connection: name }, body: { credential } }) {
      const connection = await readDeployed(namespace, name);
      refuse(credentialErrors(DRIVERS[connection.driver], credential, connection.cloud));
      const version = await putCredential(ssm, secretsPrefix, connection, credential);
      const requestedAt = new Date(store.clock.now()).toISOString();
      await updateConnection(store, namespace, name, {
        rotation: { version, status: 'Verifying', requestedAt },
      });
      await send(connection.driver, {
        kind: 'verify',
        connectionKey: connectionKey(namespace, name),
        rotation: version,
      });
      return { body: withLimits(await read(namespace, name)) };
    },
    async disableConnection({ params: { namespace, connection: name } }) {
      if (!(await updateConnection(store, namespace, name, { status: 'Disabled' })))
        throw notFound(`connection ${name}`);
      return { body: withLimits(await read(namespace, name)) };
    },
    async enableConnection({ params: { namespace, connection: name } }) {
      const connection = await readDeployed(namespace, name);
      if (connection.status !== 'Disabled') return { body: withLimits(connection) };
      await updateConnection(store, namespace, name, { status: 'Verifying' });
      await send(connection.driver, { kind: 'verify', connectionKey: connectionKey(namespace, name) });
      return { body: withLimits(await read(namespace, name)) };
    },
    async syncInventory({ params: { namespace, connection: name } }) {
      const connection = await readDeployed(namespace, name);
      await send(connection.driver, {
        kind: 'sync-inventory',
        connectionKey: connectionKey(namespace, name),
      });
      return { body: withLimits(connection) };
    },
  };
}

const DELETING = { code: 'Deleting', message: 'it was about to be deleted; verify it to use it again' };

/**
 * Writes the record of a new connection. One that was never verified may be registered again, as it is: the first
 * request may have died before its credential was kept, or had a wrong one.
 *
 * @throws Problem 409 when the name is taken otherwise
 */
async function register(store: Store<'access'>, connection: Connection): Promise<Connection> {
  if ((await createConnection(store, connection)) === 'created') return connection;
  const { namespace, name } = connection;
  const known = await readConnection(store, namespace, name);
  const same =
    known !== undefined &&
    known.verifiedAt === undefined &&
    isDeepStrictEqual(requestedOf(known), requestedOf(connection));
  if (!same) {
    throw new Problem('name-taken', `namespace ${namespace} has a connection ${name} already`, {
      errors: [{ pointer: '/name', code: 'duplicate', message: 'is taken' }],
    });
  }
  await updateConnection(store, namespace, name, { status: 'Verifying' });
  const { failure: _, ...rest } = known;
  return { ...rest, status: 'Verifying' };
}

const requestedOf = ({ driver, cloud, endpoint, limits, orphans }: Connection) => ({
  driver,
  cloud,
  endpoint,
  limits,
  orphans,
});

function describe(name: DriverName) {
  const { title, clouds, endpoint, credentialFields, capabilities, features, ...rest } = DRIVERS[name];
  return {
    name,
    title,
    clouds: clouds.map((cloud) => ({
      cloud,
      limitProfile: DEFAULT_LIMIT_PROFILES[cloud],
      powerProfile: POWER_LIMIT_PROFILES[cloud],
      requestMore: REQUEST_MORE[cloud],
    })),
    endpoint,
    credentialFields: credentialFields.map(({ requiredBy, ...field }) => ({
      ...field,
      ...(requiredBy === undefined ? {} : { requiredBy: [...requiredBy] }),
    })),
    capabilities: [...capabilities],
    features: [...features],
    apiKind: rest.apiKind,
    inventoryPollMinutes: rest.inventoryPollMinutes,
    maxNameLength: rest.maxNameLength,
  };
}
