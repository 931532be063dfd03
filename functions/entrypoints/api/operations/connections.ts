import type { SSMClient } from '@aws-sdk/client-ssm';
import { DRIVERS } from '../../../drivers/registry.ts';
import {
  actionErrors,
  type ConnectionRules,
  connectionErrors,
  credentialErrors,
} from '../../../features/connections/check-request.ts';
import { deleteConnection } from '../../../features/connections/delete-connection.ts';
import { keepCredential, registerConnection } from '../../../features/connections/keep-credential.ts';
import { existingError } from '../../../features/fleets/choose-networks.ts';
import { type OthersUse, useText } from '../../../features/sharing/other-users.ts';
import type { Connection, DriverName } from '../../../model/connection.ts';
import { connectionKey, makeId } from '../../../model/identifiers.ts';
import { REQUEST_MORE, tierOf } from '../../../model/limit-tiers.ts';
import type { DeletingConnection } from '../../../platform/store/connection-deletion.ts';
import { readConnection } from '../../../platform/store/connections.ts';
import { readDeniedCalls } from '../../../platform/store/denied-calls.ts';
import { readEnding } from '../../../platform/store/ending.ts';
import { listVisible } from '../../../platform/store/list-connections.ts';
import { readNamespace } from '../../../platform/store/namespaces.ts';
import type { Store } from '../../../platform/store/store.ts';
import {
  type ConnectionUpdate,
  type UpdateCondition,
  updateConnection,
} from '../../../platform/store/update-connection.ts';
import type { DriverMessage } from '../../../platform/workflow/messages.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { disksKept } from '../disks-kept.ts';
import { findOwn, findVisible, ownView, viewFor } from '../find-connection.ts';
import type { OperationsOf } from '../handle.ts';
import { deploymentEnding, notFound, Problem, refuse } from '../problem.ts';
import { requireNamespace } from '../require-namespace.ts';
import { limitOperations } from './limits.ts';
import { shareOperations } from './shares.ts';

export interface ConnectionDeps extends ConnectionRules {
  store: Store<'access' | 'fleets' | 'catalogue' | 'governor'>;
  ssm: SSMClient;
  secretsPrefix: string;
  send(driver: DriverName, message: DriverMessage): Promise<void>;
}

export function connectionOperations(deps: ConnectionDeps): OperationsOf<'connections'> {
  const { store, send } = deps;
  const read = (namespace: string, name: string) => findOwn(store, namespace, name);
  /**
   * Reads a connection whose driver is deployed. Without the driver, no function would receive messages about
   * the connection.
   * @throws Problem 400 when the driver is not deployed
   */
  const readDeployed = async (namespace: string, name: string): Promise<Connection> => {
    const connection = await read(namespace, name);
    const message = `this deployment has no driver ${connection.driver}; it has ${deps.drivers.join(', ')}`;
    if (!deps.drivers.includes(connection.driver))
      refuse([{ pointer: '', code: 'driver-not-deployed', message }]);
    return connection;
  };
  /**
   * Changes a connection that is not being deleted.
   *
   * @returns the changed connection; undefined if the condition does not hold
   * @throws Problem 404, 403 for a connection of another namespace, and 409 while the connection is being deleted
   */
  const change = async (
    namespace: string,
    name: string,
    update: ConnectionUpdate,
    condition: UpdateCondition = {},
  ): Promise<Connection | undefined> => {
    const none = { ...condition, deletion: 'none' } as const;
    const changed = await updateConnection(store, await read(namespace, name), update, none);
    if (changed) return changed;
    refuseDeleting(await read(namespace, name));
    return undefined;
  };
  /** Changes a connection like `change`, but without a condition that could fail. */
  const set = async (
    namespace: string,
    name: string,
    update: ConnectionUpdate,
    condition?: Pick<UpdateCondition, 'remove'>,
  ): Promise<Connection> => {
    const changed = await change(namespace, name, update, condition);
    if (!changed) throw notFound(`connection ${name}`);
    return changed;
  };
  const verify = async (connection: Connection, rotation?: number): Promise<void> => {
    await send(connection.driver, {
      kind: 'verify',
      connectionKey: connectionKey(connection),
      ...(rotation === undefined ? {} : { rotation }),
    });
  };
  /**
   * Asks a worker to remove this deployment's mark from the cloud account. The mark shows other deployments that
   * this deployment uses the account. There is no mark if the connection was never verified, or if its driver
   * writes no marks.
   */
  const leave = async (connection: DeletingConnection) => {
    const { driver, verifiedAt, deletion } = connection;
    const hasMarks = DRIVERS[driver].capabilities.includes('writer-marks') && verifiedAt !== undefined;
    if (!hasMarks || !deps.drivers.includes(driver)) return 'not-needed' as const;
    const key = connectionKey(connection);
    await send(driver, { kind: 'leave-account', connectionKey: key, deletionId: deletion.id });
    return 'asked' as const;
  };
  const removal = {
    removeUnused: async ({ driver, ...connection }: DeletingConnection, location: string) => {
      if (!deps.drivers.includes(driver)) return;
      const nowMs = store.clock.now();
      await send(driver, {
        kind: 'remove-unused',
        connectionKey: connectionKey({ driver, ...connection }),
        location,
        dueAtMs: nowMs,
        graceMs: 0,
        askedAtMs: nowMs,
      });
    },
  };
  return {
    ...limitOperations(store),
    ...shareOperations(store),
    listDrivers: () => Promise.resolve({ body: { items: deps.drivers.map(describe), cursor: null } }),
    async createConnection({ params: { namespace }, body: { credential, ...request } }) {
      await requireNamespace(store, namespace);
      // The compiler reports an error in this line if the type `Connection` lacks a field of the request.
      request satisfies { [Field in keyof typeof request]: Field extends keyof Connection ? unknown : never };
      refuse(connectionErrors({ credential, ...request }, deps));
      const createdAt = new Date(store.clock.now()).toISOString();
      const wanted = { namespace, ...request, status: 'Verifying' as const, createdAt };
      const connection = await registerConnection(deps, wanted, credential);
      if (!connection) throw await whyNotMade(store, namespace, request.name);
      await verify(connection);
      return {
        body: ownView(connection),
        headers: { location: `/v1/namespaces/${namespace}/connections/${request.name}` },
      };
    },
    async listConnections({ params: { namespace }, query: { limit, cursor } }) {
      await requireNamespace(store, namespace);
      const page = await listVisible(store, namespace, { limit, cursor: decodeCursor(cursor) });
      const items = page.items.map((one) => viewFor(namespace, one));
      return { body: { items, cursor: encodeCursor(page.cursor) } };
    },
    async getConnection({ params: { namespace, connection } }) {
      const visible = await findVisible(store, namespace, connection);
      if (visible.isShared) return { body: viewFor(namespace, visible) };
      const deniedCalls = await readDeniedCalls(store, visible.connection);
      return { body: { ...viewFor(namespace, visible), health: { deniedCalls } } };
    },
    async deleteConnection({ params: { namespace, connection: name }, query: { forgetDisks } }) {
      await read(namespace, name);
      const outcome = await deleteConnection({ ...deps, ...removal, leave }, namespace, name, {
        forgetDisks: forgetDisks === 'true',
      });
      if (typeof outcome !== 'string')
        throw 'keptDisks' in outcome
          ? disksKept(name, outcome.keptDisks)
          : usedByOthers(name, outcome.usedByOthers);
      if (outcome === 'not-found') throw notFound(`connection ${name}`);
      if (outcome === 'in-use') {
        throw new Problem('in-use', `live fleets use connection ${name}: delete these fleets first`);
      }
      if (outcome === 'networks-standing') {
        const message = `connection ${name} still has network resources that fleets shared. They are being removed: see \`fleetwright network list\`, and repeat the request when none is left`;
        throw new Problem('in-use', message);
      }
      return { body: undefined };
    },
    async setOrphanPolicy({ params: { namespace, connection: name }, body: orphans }) {
      return { body: ownView(await set(namespace, name, { orphans })) };
    },
    async setConnectionNetwork({ params: { namespace, connection: name }, body: network }) {
      const connection = await readDeployed(namespace, name);
      const unable = network.mode === 'existing' ? existingError(connection) : undefined;
      if (unable) refuse([{ pointer: '/mode', ...unable }]);
      if (network.mode !== 'existing')
        return { body: ownView(await set(namespace, name, { network }, { remove: ['networkChange'] })) };
      const requestedAt = new Date(store.clock.now()).toISOString();
      const id = makeId(store.clock.now(), store.random);
      const networkChange = { id, network, status: 'Verifying' as const, requestedAt };
      const changing = await set(namespace, name, { networkChange });
      const key = connectionKey(changing);
      await send(changing.driver, { kind: 'verify-network', connectionKey: key, changeId: id });
      return { body: ownView(changing) };
    },
    async verifyConnection({ params: { namespace, connection: name } }) {
      const connection = await readDeployed(namespace, name);
      // The credential of a disabled connection is verified as well. The connection stays disabled.
      const verifying = await change(namespace, name, { status: 'Verifying' }, { statusNot: 'Disabled' });
      await verify(connection);
      return { body: ownView(verifying ?? connection) };
    },
    async setLimits({ params: { namespace, connection: name }, body: limits }) {
      const { driver } = await readDeployed(namespace, name);
      refuse(actionErrors(DRIVERS[driver], limits));
      const isReset = Object.keys(limits).length === 0;
      const connection = isReset
        ? await set(namespace, name, {}, { remove: ['limits'] })
        : await set(namespace, name, { limits });
      return { body: ownView(connection) };
    },
    async rotateCredential({ params: { namespace, connection: name }, body: { credential } }) {
      const connection = await readDeployed(namespace, name);
      refuseDeleting(connection);
      refuse(credentialErrors(DRIVERS[connection.driver], credential, connection.cloud));
      // A connection without a `credentialVersion` is still being created: its first secret is not stored
      // yet.
      if (connection.credentialVersion === undefined) throw notFound(`connection ${name}`);
      const requestedAt = new Date(store.clock.now()).toISOString();
      const rotating = await keepCredential(deps, connection, credential, (version) => ({
        rotation: { version, status: 'Verifying', requestedAt },
      }));
      if (!rotating) throw notFound(`connection ${name}`);
      await verify(rotating, rotating.rotation?.version);
      return { body: ownView(rotating) };
    },
    async disableConnection({ params: { namespace, connection: name } }) {
      return { body: ownView(await set(namespace, name, { status: 'Disabled' })) };
    },
    async enableConnection({ params: { namespace, connection: name } }) {
      const connection = await readDeployed(namespace, name);
      const enabled = await change(namespace, name, { status: 'Verifying' }, { statusIs: 'Disabled' });
      if (enabled) await verify(enabled);
      return { body: ownView(enabled ?? connection) };
    },
    async syncInventory({ params: { namespace, connection: name } }) {
      const connection = await readDeployed(namespace, name);
      await send(connection.driver, {
        kind: 'sync-inventory',
        connectionKey: connectionKey(connection),
      });
      return { body: ownView(connection) };
    },
  };
}

function usedByOthers(name: string, use: OthersUse): Problem {
  const detail = `other namespaces have ${useText(use)} on connection ${name}: end the shares with \`fleetwright connection unshare ${name} --with <namespace> --force\`, and delete the connection when nothing of them is left`;
  return new Problem('in-use', detail, { extra: { usedByOthers: use } });
}

/** Refuses changes of a connection that is being deleted. @throws Problem 409 */
function refuseDeleting({ name, deletion }: Connection): void {
  if (deletion) throw new Problem('being-deleted', `connection ${name} is being deleted`);
}

/**
 * Returns the problem that explains why a connection could not be created. Reads the current records for
 * that.
 */
async function whyNotMade(
  store: Store<'access' | 'fleets'>,
  namespace: string,
  name: string,
): Promise<Problem> {
  const ending = await readEnding(store);
  if (ending) return deploymentEnding(`connection ${name} was not created`, ending.since);
  const within = await readNamespace(store, namespace);
  if (!within) return notFound(`namespace ${namespace}`);
  if (within.deletion) return new Problem('being-deleted', `namespace ${namespace} is being deleted`);
  if (!(await readConnection(store, namespace, name)))
    return new Problem(
      'being-deleted',
      `connection ${name} was deleted while it was being created: send the request again`,
    );
  return new Problem(
    'name-taken',
    `namespace ${namespace} already has a connection ${name}: choose another name`,
    {
      errors: [{ pointer: '/name', code: 'duplicate', message: 'is the name of another connection' }],
    },
  );
}

function describe(name: DriverName) {
  const { title, clouds, endpoint, credentialFields, capabilities, features, ...rest } = DRIVERS[name];
  return {
    name,
    title,
    clouds: clouds.map((cloud) => ({
      cloud,
      limitProfile: tierOf({ driver: name, cloud }, 'default').profile,
      powerProfile: tierOf({ driver: name, cloud }, 'power').profile,
      requestMore: REQUEST_MORE[cloud],
    })),
    endpoint,
    credentialFields: credentialFields.map(({ requiredBy, ...field }) => ({
      ...field,
      ...(requiredBy === undefined ? {} : { requiredBy: [...requiredBy] }),
    })),
    capabilities: [...capabilities],
    features: [...features],
    meteredActions: [...(rest.meteredActions ?? [])],
    apiKind: rest.apiKind,
    inventoryPollMinutes: rest.inventoryPollMinutes,
    statusPollSeconds: rest.statusPollSeconds,
    maxNameLength: rest.maxNameLength,
  };
}
