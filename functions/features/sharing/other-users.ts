import type { Connection } from '../../model/connection.ts';
import { connectionKey, connectionWord } from '../../model/identifiers.ts';
import { liveFleetIds } from '../../platform/store/live-fleets.ts';
import type { Store } from '../../platform/store/store.ts';
import { readVolumes } from '../../platform/store/volumes.ts';

/** Returns the namespaces that may have fleets on a connection, its own first. */
export function usersOf({ namespace, sharedWith = [], unsharing = [] }: Connection): string[] {
  return [namespace, ...sharedWith, ...unsharing.map((one) => one.namespace)];
}

/** Returns the ids of all live fleets that use a connection, of all namespaces. Reads consistently. */
export async function fleetsOnConnection(store: Store<'fleets'>, connection: Connection): Promise<string[]> {
  const ids = await Promise.all(usersOf(connection).map((user) => fleetsOfUser(store, connection, user)));
  return ids.flat();
}

/** Returns the ids of a namespace's live fleets that use a connection. Reads consistently. */
export async function fleetsOfUser(
  store: Store<'fleets'>,
  connection: Connection,
  user: string,
): Promise<string[]> {
  return await liveFleetIds(store, user, connectionWord(user, connection));
}

/** What other namespaces have on a connection, in numbers alone. Their things are none of the owner's business. */
export interface OthersUse {
  fleets: number;
  disks: number;
}

/** Counts what a namespace has on a connection of another one. */
export async function useBy(
  store: Store<'fleets'>,
  connection: Connection,
  user: string,
): Promise<OthersUse> {
  const [ids, disks] = await Promise.all([
    fleetsOfUser(store, connection, user),
    readVolumes(store, connectionKey(connection)),
  ]);
  return { fleets: ids.length, disks: disks.filter(({ namespace }) => namespace === user).length };
}

/** Returns `2 live fleets and 1 kept disk`. */
export function useText({ fleets, disks }: OthersUse): string {
  const parts = [
    ...(fleets > 0 ? [`${fleets} live ${fleets === 1 ? 'fleet' : 'fleets'}`] : []),
    ...(disks > 0 ? [`${disks} kept ${disks === 1 ? 'disk' : 'disks'}`] : []),
  ];
  return parts.join(' and ');
}
