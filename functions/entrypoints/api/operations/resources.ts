import { listResources, type ResourceCursor } from '../../../features/networks/resource-view.ts';
import { continueSweeps, listHolds } from '../../../features/sweeps/continue-sweeps.ts';
import { requestSweep } from '../../../features/sweeps/request-sweep.ts';
import {
  connectionsOf,
  listOrphans,
  type OrphanCursor,
  sweepView,
} from '../../../features/sweeps/sweep-view.ts';
import { removeVolume } from '../../../features/volumes/remove-volume.ts';
import type { DriverName } from '../../../model/connection.ts';
import { connectionKey, fleetIdSchema } from '../../../model/identifiers.ts';
import { readVisible } from '../../../platform/store/connection-shares.ts';
import { readFleetItem } from '../../../platform/store/fleets.ts';
import type { LiveFleet } from '../../../platform/store/live-fleets.ts';
import { findFleetByName } from '../../../platform/store/new-fleet.ts';
import type { Store } from '../../../platform/store/store.ts';
import { readSweep } from '../../../platform/store/sweeps.ts';
import type { DriverMessage } from '../../../platform/workflow/messages.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { sharedByOther, withShared } from '../find-connection.ts';
import type { OperationsOf } from '../handle.ts';
import { capReached, notFound, Problem, refuse } from '../problem.ts';
import { requireNamespace } from '../require-namespace.ts';
import { networkOperations } from './networks.ts';

export interface ResourceDeps {
  store: Store<'access' | 'fleets'>;
  send(driver: DriverName, message: DriverMessage): Promise<void>;
}

export function resourceOperations({ store, send }: ResourceDeps): OperationsOf<'resources'> {
  const fleetOf = async (namespace: string, idOrName: string): Promise<LiveFleet> => {
    const byId = fleetIdSchema.safeParse(idOrName).success ? idOrName : undefined;
    const known = byId && (await readFleetItem(store, byId));
    const fleetId = known ? known.fleetId : await findFleetByName(store, namespace, idOrName);
    const fleet = known || (fleetId && (await readFleetItem(store, fleetId)));
    if (!fleet || fleet.namespace !== namespace) throw notFound(`fleet ${idOrName}`);
    return fleet;
  };
  const allOf = async (namespace: string) =>
    await withShared(store, namespace, await connectionsOf(store, namespace));
  const keysOf = async (namespace: string) => (await allOf(namespace)).map(connectionKey);
  return {
    async listResources({ params: { namespace }, query: { fleet, cursor, ...query } }) {
      await requireNamespace(store, namespace);
      const only = fleet === undefined ? undefined : await fleetOf(namespace, fleet);
      const keys = await keysOf(namespace);
      const page = await listResources(
        store,
        namespace,
        keys,
        { ...query, cursor: resourceCursor(cursor) },
        only,
      );
      return { body: { items: page.items, cursor: encodeCursor(joined(page.cursor)) } };
    },
    async listFleetResources({ params: { namespace, fleet }, query: { cursor, ...query } }) {
      const only = await fleetOf(namespace, fleet);
      const keys = await keysOf(namespace);
      const page = await listResources(
        store,
        namespace,
        keys,
        { ...query, cursor: resourceCursor(cursor) },
        only,
      );
      return { body: { items: page.items, cursor: encodeCursor(joined(page.cursor)) } };
    },
    ...networkOperations({ store, send }),
    async removeVolume({ params: { namespace, volume }, caller }) {
      await requireNamespace(store, namespace);
      const connections = (await allOf(namespace)).map((one) => ({
        key: connectionKey(one),
        driver: one.driver,
      }));
      const removed = await removeVolume(store, namespace, connections, volume, send, caller?.caps);
      if (removed === undefined) throw notFound(`volume ${volume}`);
      if (removed === 'in-use') {
        const detail = `the machine of volume ${volume} exists: delete its instance or fleet first`;
        throw new Problem('in-use', detail);
      }
      if ('reached' in removed) throw capReached(removed.reached);
      return { body: removed };
    },
    async listOrphans({ params: { namespace }, query: { cursor, ...query } }) {
      await requireNamespace(store, namespace);
      const page = await listOrphans(store, namespace, { ...query, cursor: orphanCursor(cursor) });
      const next = page.cursor && `${page.cursor.connection}~${page.cursor.after ?? ''}`;
      return { body: { items: page.items, cursor: encodeCursor(next) } };
    },
    async sweepOrphans({ params: { namespace }, body: { connection: name, dryRun } }) {
      await requireNamespace(store, namespace);
      const visible = name === undefined ? undefined : await readVisible(store, namespace, name);
      if (visible?.isShared) throw sharedByOther(visible.connection);
      const named = visible?.connection;
      if (name !== undefined && !named) {
        refuse([
          {
            pointer: '/connection',
            code: 'unknown-connection',
            message: `namespace ${namespace} has no connection ${name}`,
          },
        ]);
      }
      const connections = named
        ? [named]
        : (await connectionsOf(store, namespace)).filter(({ status }) => status === 'Ready');
      const sweepId = await requestSweep(store, namespace, connections, dryRun, send);
      if (sweepId === undefined) throw notFound(`namespace ${namespace}`);
      return { body: await sweepOf(namespace, sweepId) };
    },
    async getSweep({ params: { namespace, sweep } }) {
      return { body: await sweepOf(namespace, sweep) };
    },
    async listSweepHolds({ params: { namespace }, query: { cursor, ...query } }) {
      await requireNamespace(store, namespace);
      const page = await listHolds(store, namespace, { ...query, cursor: orphanCursor(cursor) });
      const next = page.cursor && `${page.cursor.connection}~${page.cursor.after ?? ''}`;
      return { body: { items: page.items, cursor: encodeCursor(next) } };
    },
    async continueSweeps({ params: { namespace }, body: { connection: name, location } }) {
      await requireNamespace(store, namespace);
      const visible = await readVisible(store, namespace, name);
      if (visible?.isShared) throw sharedByOther(visible.connection);
      const connection = visible?.connection;
      if (!connection) {
        refuse([
          {
            pointer: '/connection',
            code: 'unknown-connection',
            message: `namespace ${namespace} has no connection ${name}`,
          },
        ]);
        return { body: { continued: [] } };
      }
      return { body: { continued: await continueSweeps(store, connection, location) } };
    },
  };

  async function sweepOf(namespace: string, sweepId: string) {
    const record = await readSweep(store, sweepId);
    if (record?.meta.namespace !== namespace) throw notFound(`sweep ${sweepId}`);
    return sweepView(record);
  }
}

const joined = (cursor: ResourceCursor | null) => cursor && `${cursor.fleetId}~${cursor.after}`;

function resourceCursor(cursor: string | undefined): ResourceCursor | undefined {
  const text = decodeCursor(cursor, /^f[0-9a-z]{16}~[\x20-\x7e]{1,500}$/);
  return text === undefined ? undefined : { fleetId: text.slice(0, 17), after: text.slice(18) };
}

function orphanCursor(cursor: string | undefined): OrphanCursor | undefined {
  const text = decodeCursor(cursor, /^[a-z0-9-]{3,40}~[\x20-\x7e]{0,1000}$/);
  if (text === undefined) return undefined;
  const at = text.indexOf('~');
  const after = text.slice(at + 1);
  return { connection: text.slice(0, at), ...(after === '' ? {} : { after }) };
}
