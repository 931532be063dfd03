import type { Connection } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { Orphan, OrphanKind, OrphanState, Sweep } from '../../model/orphan.ts';
import { listConnections } from '../../platform/store/connections.ts';
import { orphanKey } from '../../platform/store/keys.ts';
import { listOrphans as listOfConnection, type OrphanItem } from '../../platform/store/orphans.ts';
import type { Store } from '../../platform/store/store.ts';
import type { SweepRecord } from '../../platform/store/sweeps.ts';

export interface OrphanFilter {
  connection?: string | undefined;
  location?: string | undefined;
  kind?: OrphanKind | undefined;
  state?: OrphanState | undefined;
}

/**
 * Point at which a list continues. The next page has the findings of connection `connection` whose keys sort
 * after `after`, then the findings of the next connections.
 */
export interface OrphanCursor {
  connection: string;
  after?: string | undefined;
}

/**
 * Maximum number of queries for one page. The limit bounds the time of a page if few findings match the
 * filter. The cursor then points after the last finding that was read.
 */
const QUERIES_PER_PAGE = 20;
const FINDINGS_PER_ANSWER = 2_000;

/**
 * Returns a page of the findings of a namespace's connections, ordered by connection and location. A page may be short
 * or empty and still have a cursor.
 */
export async function listOrphans(
  store: Store<'fleets' | 'access'>,
  namespace: string,
  { limit, cursor, ...filter }: { limit: number; cursor?: OrphanCursor | undefined } & OrphanFilter,
): Promise<{ items: Orphan[]; cursor: OrphanCursor | null }> {
  const connections = (await connectionsOf(store, namespace)).filter(
    ({ name }) => name === (filter.connection ?? name) && name >= (cursor?.connection ?? ''),
  );
  const items: Orphan[] = [];
  let after = cursor?.after;
  let queries = 0;
  for (const [at, connection] of connections.entries()) {
    const { name } = connection;
    if (name !== cursor?.connection) after = undefined;
    do {
      if (queries === QUERIES_PER_PAGE) return { items, cursor: { connection: name, after } };
      queries += 1;
      const page = await listOfConnection(store, connectionKey(connection), { limit, cursor: after });
      for (const item of page.items) {
        if (!fits(filter, item)) continue;
        items.push(viewOf(item));
        if (items.length === limit) return { items, cursor: { connection: name, after: orphanKey(item).sk } };
      }
      after = page.cursor ?? undefined;
    } while (after !== undefined);
    const next = connections[at + 1];
    if (items.length >= limit && next) return { items, cursor: { connection: next.name } };
  }
  return { items, cursor: null };
}

/** Reads all connections of a namespace, in the order of their names. A namespace has few connections. */
export async function connectionsOf(store: Store<'access'>, namespace: string): Promise<Connection[]> {
  const connections: Connection[] = [];
  let cursor: string | undefined;
  do {
    const page = await listConnections(store, namespace, { limit: 500, cursor });
    connections.push(...page.items);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return connections;
}

function fits({ location, kind, state }: OrphanFilter, item: OrphanItem): boolean {
  return (
    (location ?? item.location) === item.location &&
    (kind ?? item.kind) === item.kind &&
    (state ?? item.state) === item.state
  );
}

function viewOf(item: OrphanItem): Orphan {
  const {
    connectionKey: _key,
    namespace: _namespace,
    launchToken: _token,
    announced: _announced,
    version: _version,
    ...view
  } = item;
  return view;
}

/** Builds the view of a sweep and its progress. Pure. */
export function sweepView({ meta, connections, sites }: SweepRecord): Sweep {
  const found = connections.reduce((sum, { locations }) => sum + locations.length, 0);
  const isDone =
    connections.length === meta.connections.length &&
    connections.every(({ connection, locations }) =>
      locations.every((location) =>
        sites.some((site) => site.connection === connection && site.location === location),
      ),
    );
  const findings = sites.flatMap(({ connection, findings: own }) =>
    own.map((finding) => ({ connection, ...finding })),
  );
  const failed = sites.filter(({ failure }) => failure !== undefined).length;
  return {
    id: meta.sweepId,
    namespace: meta.namespace,
    dryRun: meta.dryRun,
    connections: meta.connections,
    status: isDone ? 'Done' : 'Running',
    places: { found, done: sites.length - failed, failed },
    findings: findings.slice(0, FINDINGS_PER_ANSWER),
    findingsLeftOut:
      sites.reduce((sum, { leftOut }) => sum + leftOut, 0) +
      Math.max(0, findings.length - FINDINGS_PER_ANSWER),
    failures: [
      ...connections.flatMap(({ connection, failure }) => (failure ? [{ connection, ...failure }] : [])),
      ...sites.flatMap(({ connection, location, failure }) =>
        failure ? [{ connection, location, ...failure }] : [],
      ),
    ],
    createdAt: meta.createdAt,
  };
}
