import type { SSMClient } from '@aws-sdk/client-ssm';
import { endpointError } from '../../connections/check-endpoint.ts';
import { DRIVERS } from '../../drivers/registry.ts';
import type { Connection, ConnectionRequest, DriverName } from '../../model/connection.ts';
import { DRIVER_NAMES } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import { DEFAULT_LIMIT_PROFILES, limitProfileOf } from '../../model/limit-profile.ts';
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
import { readNamespace } from '../../store/namespaces.ts';
import type { DriverMessage } from '../../workflow/messages.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { OperationsOf } from '../handle.ts';
import { type FieldError, notFound, Problem, refuse } from '../problem.ts';

export interface ConnectionDeps {
  store: Store<'access' | 'fleets'>;
  ssm: SSMClient;
  secretsPrefix: string;
  allowEndpointOverride: boolean;
  send(driver: DriverName, message: DriverMessage): Promise<void>;
}

const withLimits = (connection: Connection) => ({
  ...connection,
  limitProfile: limitProfileOf(connection.cloud, connection.limits),
});

export function connectionOperations(deps: ConnectionDeps): OperationsOf<'connections'> {
  const { store, ssm, secretsPrefix, send } = deps;
  const read = async (namespace: string, name: string): Promise<Connection> => {
    const connection = await readConnection(store, namespace, name);
    if (!connection) throw notFound(`connection ${name}`);
    return connection;
  };
  return {
    listDrivers: () => Promise.resolve({ body: { items: DRIVER_NAMES.map(describe), cursor: null } }),
    async createConnection({ params: { namespace }, body: { credential, ...request } }) {
      if (!(await readNamespace(store, namespace))) throw notFound(`namespace ${namespace}`);
      refuse(connectionErrors({ credential, ...request }, deps.allowEndpointOverride));
      const connection: Connection = {
        namespace,
        ...request,
        status: 'Verifying',
        createdAt: new Date(store.clock.now()).toISOString(),
      };
      if ((await createConnection(store, connection)) === 'exists') {
        throw new Problem(
          409,
          'name-taken',
          `namespace ${namespace} has a connection ${request.name} already`,
          {
            errors: [{ pointer: '/name', code: 'duplicate', message: 'is taken' }],
          },
        );
      }
      await putCredential(ssm, secretsPrefix, connection, credential);
      await send(connection.driver, {
        kind: 'verify',
        connectionKey: connectionKey(namespace, request.name),
      });
      return {
        body: withLimits(connection),
        headers: { location: `/v1/namespaces/${namespace}/connections/${request.name}` },
      };
    },
    async listConnections({ params: { namespace }, query: { limit, cursor } }) {
      const page = await listConnections(store, namespace, { limit, cursor: decodeCursor(cursor) });
      return { body: { items: page.items.map(withLimits), cursor: encodeCursor(page.cursor) } };
    },
    async getConnection({ params: { namespace, connection } }) {
      return { body: withLimits(await read(namespace, connection)) };
    },
    async deleteConnection({ params: { namespace, connection: name } }) {
      const connection = await read(namespace, name);
      if (await hasLiveFleets(store, namespace, name)) {
        throw new Problem(409, 'in-use', `fleets use connection ${name}: delete them first`);
      }
      // The record last: a deletion cut short can be asked for again.
      await deleteCredential(ssm, secretsPrefix, connection);
      await deleteConnection(store, namespace, name);
      return { body: undefined };
    },
    async verifyConnection({ params: { namespace, connection: name } }) {
      const connection = await read(namespace, name);
      await updateConnection(store, namespace, name, { status: 'Verifying' });
      await send(connection.driver, { kind: 'verify', connectionKey: connectionKey(namespace, name) });
      return { body: withLimits(await read(namespace, name)) };
    },
    async syncInventory({ params: { namespace, connection: name } }) {
      const connection = await read(namespace, name);
      await send(connection.driver, {
        kind: 'sync-inventory',
        connectionKey: connectionKey(namespace, name),
      });
      return { body: withLimits(connection) };
    },
  };
}

function describe(name: DriverName) {
  const { clouds, credentialFields } = DRIVERS[name];
  return {
    name,
    clouds: clouds.map((cloud) => ({ cloud, limitProfile: DEFAULT_LIMIT_PROFILES[cloud] })),
    credentialFields: [...credentialFields],
  };
}

/** What the schema cannot know: which clouds and credential fields the driver has, and where it may go. */
export function connectionErrors(
  { driver: name, cloud, credential, endpoint }: ConnectionRequest,
  allowEndpointOverride: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const driver = DRIVERS[name];
  if (!driver.clouds.includes(cloud)) {
    errors.push({
      pointer: '/cloud',
      code: 'unknown-cloud',
      message: `driver ${name} has ${driver.clouds.join(', ')}`,
    });
  }
  for (const field of driver.credentialFields) {
    if (!field.required || field.name in credential) continue;
    errors.push({ pointer: `/credential/${field.name}`, code: 'missing', message: field.description });
  }
  const known = new Set(driver.credentialFields.map((field) => field.name));
  for (const field of Object.keys(credential)) {
    if (known.has(field)) continue;
    errors.push({ pointer: `/credential/${field}`, code: 'unrecognized-key', message: 'is not known here' });
  }
  const wrong = endpoint === undefined ? undefined : endpointError(endpoint, allowEndpointOverride);
  if (wrong) errors.push({ pointer: '/endpoint', ...wrong });
  return errors;
}
