import { sharedConnections, type Visible } from './connection-shares.ts';
import { listConnections, readConnection } from './connections.ts';
import type { Page, PageRequest } from './listing.ts';
import type { Store } from './store.ts';

/**
 * Lists a namespace's connections of all drivers and those that other namespaces share with it, in the order of their
 * names. A shared connection with the name of an own one is left out, because the name means the own one.
 */
export async function listVisible(
  store: Store<'access'>,
  namespace: string,
  { limit, cursor = '' }: PageRequest,
): Promise<Page<Visible>> {
  const [own, shared] = await Promise.all([
    listConnections(store, namespace, { limit, ...(cursor === '' ? {} : { cursor }) }),
    sharedConnections(store, namespace),
  ]);
  const here = shared.filter(({ name }) => name > cursor && name <= (own.cursor ?? '~'));
  const hidden = await Promise.all(here.map(({ name }) => readConnection(store, namespace, name)));
  const found = [
    ...own.items.map((connection) => ({ connection, isShared: false })),
    ...here.flatMap((connection, at) => (hidden[at] ? [] : [{ connection, isShared: true }])),
  ].sort((a, b) => (a.connection.name < b.connection.name ? -1 : 1));
  const items = found.slice(0, limit);
  const isLast = found.length <= limit && own.cursor === null;
  return { items, cursor: isLast ? null : (items.at(-1)?.connection.name ?? null) };
}
