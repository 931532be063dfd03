import type { Connection } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { SweepHold } from '../../model/orphan.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import type { Store } from '../../platform/store/store.ts';
import {
  EVERYWHERE,
  type HoldItem,
  type HoldState,
  readHolds,
  updateHold,
} from '../../platform/store/sweep-holds.ts';
import { continued } from './sweep-cap.ts';
import { connectionsOf, type OrphanCursor } from './sweep-view.ts';

/**
 * Returns a page of the sweep holds of a namespace's connections, ordered by connection and location. A hold
 * makes removals by sweeps wait for an operator, at one location or at all locations of a connection.
 */
export async function listHolds(
  store: Store<'fleets' | 'access'>,
  namespace: string,
  {
    limit,
    cursor,
    connection,
  }: { limit: number; cursor?: OrphanCursor | undefined; connection?: string | undefined },
): Promise<{ items: SweepHold[]; cursor: OrphanCursor | null }> {
  const connections = (await connectionsOf(store, namespace)).filter(
    ({ name }) => name === (connection ?? name) && name >= (cursor?.connection ?? ''),
  );
  const items: SweepHold[] = [];
  for (const one of connections) {
    const { name } = one;
    const after = name === cursor?.connection ? (cursor.after ?? '') : '';
    for (const { location, hold } of await readHolds(store, connectionKey(one))) {
      if (!hold || location <= after) continue;
      items.push(viewOf(name, location, hold));
      if (items.length === limit) return { items, cursor: { connection: name, after: location } };
    }
  }
  return { items, cursor: null };
}

/**
 * Ends the sweep holds of a connection, at one location or at all locations. A hold of the whole connection
 * ends in both cases.
 *
 * The audit log has the entry of the request, which names the operator.
 *
 * @returns the holds that have ended; empty if there was no hold
 */
export async function continueSweeps(
  store: Store<'fleets'>,
  connection: Connection,
  location: string | undefined,
): Promise<SweepHold[]> {
  const { name } = connection;
  const items = await readHolds(store, connectionKey(connection));
  const wanted = items.filter(
    (item) =>
      item.hold !== undefined &&
      (location === undefined || item.location === location || item.location === EVERYWHERE),
  );
  const ended: SweepHold[] = [];
  for (const item of wanted) {
    const nowMs = store.clock.now();
    const hold = await updateHold(store, item, (current: HoldItem) => ({
      state: current.hold ? continued(current, nowMs) : undefined,
      answer: current.hold,
    }));
    if (hold) ended.push(viewOf(name, item.location, hold));
  }
  return ended;
}

function viewOf(
  connection: string,
  location: string,
  { because, message, sinceMs, waiting }: HoldState,
): SweepHold {
  return {
    connection,
    ...(location === EVERYWHERE ? {} : { location }),
    because,
    message,
    since: isoTime(sinceMs),
    ...(waiting === undefined ? {} : { waiting }),
  };
}
