import type { Connection } from '../../model/connection.ts';
import { limitProfileOf } from '../../model/limits-in-force.ts';
import { DEFAULT_ORPHAN_POLICY } from '../../model/orphan.ts';
import { readVisible, sharedConnections, type Visible } from '../../platform/store/connection-shares.ts';
import type { Store } from '../../platform/store/store.ts';
import { notFound, Problem } from './problem.ts';

/**
 * Finds the connection of a request that reads only: one of the namespace, or one that is shared with it.
 *
 * @throws Problem 404
 */
export async function findVisible(store: Store<'access'>, namespace: string, name: string): Promise<Visible> {
  const visible = await readVisible(store, namespace, name);
  if (!visible) throw notFound(`connection ${name}`);
  return visible;
}

/**
 * Finds the connection of a request that only the namespace of the connection may send.
 *
 * @throws Problem 404; 403 if another namespace shares the connection with this one
 */
export async function findOwn(store: Store<'access'>, namespace: string, name: string): Promise<Connection> {
  const { connection, isShared } = await findVisible(store, namespace, name);
  if (isShared) throw sharedByOther(connection);
  return connection;
}

/** Returns the problem of a request that only the namespace of a connection may send. */
export const sharedByOther = ({ name, namespace: owner }: Connection): Problem =>
  new Problem(
    'forbidden',
    `connection ${name} is shared by namespace ${owner}: fleets may use it, and only ${owner} may do this`,
  );

/** Reads a namespace's connections and those that are shared with it, for views of what the namespace has on them. */
export async function withShared(
  store: Store<'access'>,
  namespace: string,
  own: readonly Connection[],
): Promise<Connection[]> {
  const all = [...own, ...(await sharedConnections(store, namespace))];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns a connection as its own namespace sees it. */
export function ownView({ deletion, sharesVersion: _, ...connection }: Connection) {
  return {
    ...connection,
    ...(deletion === undefined ? {} : { status: 'Deleting' as const }),
    limitProfile: limitProfileOf(connection, connection.limits),
    orphans: connection.orphans ?? DEFAULT_ORPHAN_POLICY,
  };
}

/**
 * Returns a connection as a namespace sees it. Of one that is shared with the namespace, it has what its fleets need: no
 * account, no endpoint, no failure, and no other namespace but that of the connection.
 */
export function viewFor(
  namespace: string,
  { connection, isShared }: Visible,
): ReturnType<typeof ownView> & {
  sharedBy?: string;
} {
  if (!isShared) return ownView(connection);
  const {
    name,
    id,
    driver,
    cloud,
    status,
    createdAt,
    verifiedAt,
    inventorySyncedAt,
    unsharing = [],
  } = connection;
  const { limitProfile, orphans, ...own } = ownView(connection);
  const ending = unsharing.filter((one) => one.namespace === namespace);
  return {
    namespace,
    sharedBy: connection.namespace,
    ...{ name, id, driver, cloud, status: own.status ?? status, createdAt, limitProfile, orphans },
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
    ...(inventorySyncedAt === undefined ? {} : { inventorySyncedAt }),
    ...(ending.length > 0 ? { unsharing: ending } : {}),
  };
}
