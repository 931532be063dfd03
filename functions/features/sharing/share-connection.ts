import { type Connection, MAX_SHARES } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import { reserveRanges } from '../../platform/store/address-ranges.ts';
import {
  addShare,
  beginUnshare,
  cancelUnshare,
  finishUnshare,
} from '../../platform/store/connection-shares.ts';
import { readConnection } from '../../platform/store/connections.ts';
import type { Store } from '../../platform/store/store.ts';
import { Contended } from '../../platform/store/versioned.ts';
import { type OthersUse, useBy, usersOf } from './other-users.ts';

type Stores = Store<'access' | 'fleets'>;

const TRIES = 8;
const PAUSE_MS = 40;

/** A connection of a namespace, and the other namespace that a request names. */
export interface ShareRef {
  namespace: string;
  name: string;
  target: string;
}

export type Shared =
  | { connection: Connection }
  | 'not-found'
  | 'being-deleted'
  | 'own-namespace'
  | 'unknown-namespace'
  | 'name-taken'
  | 'too-many';

/** Shares a connection with another namespace. A repeated request changes nothing. */
export async function shareConnection(store: Stores, { namespace, name, target }: ShareRef): Promise<Shared> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const known = await readConnection(store, namespace, name);
    if (!known) return 'not-found';
    if (known.deletion) return 'being-deleted';
    if (target === namespace) return 'own-namespace';
    if (known.sharedWith?.includes(target)) return { connection: known };
    const users = usersOf(known).filter((user) => user !== namespace && user !== target);
    if (users.length >= MAX_SHARES) return 'too-many';
    const outcome = await addShare(store, known, target);
    if (outcome !== 'changed') return outcome;
    await store.clock.sleep(store.random() * PAUSE_MS * attempt);
  }
  throw new Contended(`the shares of connection ${namespace}/${name}`);
}

export type Unshared =
  | { connection: Connection }
  | 'not-found'
  | 'not-shared'
  | 'being-deleted'
  /** The namespace has these on the connection, and the share goes on. */
  | { inUse: OthersUse };

/**
 * Ends a share. Takes the namespace from `sharedWith` first, so that no fleet of it is accepted any more, then looks at what
 * it has on the connection. If there is something, the share goes on, unless the end is forced: the fleets are then managed
 * until they are removed, and a schedule finishes the share. If the process dies in between, a later call or the schedule
 * continues. A repeated call changes nothing.
 *
 * @param isForced true: end it also while the namespace uses the connection. Absent: as the earlier request said
 */
export async function unshareConnection(
  store: Stores,
  { namespace, name, target }: ShareRef,
  isForced?: boolean,
): Promise<Unshared> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const known = await readConnection(store, namespace, name);
    if (!known) return 'not-found';
    if (known.deletion) return 'being-deleted';
    const ended = await tryUnshare(store, known, target, isForced);
    if (ended !== 'changed') return ended;
    await store.clock.sleep(store.random() * PAUSE_MS * attempt);
  }
  throw new Contended(`the shares of connection ${namespace}/${name}`);
}

async function tryUnshare(
  store: Stores,
  known: Connection,
  target: string,
  isForced: boolean | undefined,
): Promise<Exclude<Unshared, 'not-found' | 'being-deleted'> | 'changed'> {
  const begun = known.unsharing?.find((one) => one.namespace === target);
  if (!begun && !known.sharedWith?.includes(target)) return 'not-shared';
  const force = isForced === true || begun?.isForced === true;
  const isAsWanted = begun !== undefined && begun.isForced === force;
  const ending = isAsWanted ? known : await beginUnshare(store, known, target, force);
  if (!ending) return 'changed';
  const use = await useBy(store, ending, target);
  if (use.fleets + use.disks > 0) {
    if (force) return { connection: ending };
    return (await cancelUnshare(store, ending, target)) ? { inUse: use } : 'changed';
  }
  await forgetReservations(store, ending, target);
  const connection = await finishUnshare(store, ending, target);
  return connection ? { connection } : 'changed';
}

/** Frees the address ranges that a namespace has reserved for its networks on a connection. */
export async function forgetReservations(
  store: Store<'fleets'>,
  connection: Connection,
  user: string,
): Promise<void> {
  const site = { namespace: user, connectionKey: connectionKey(connection) };
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    if ((await reserveRanges(store, site, {})) === 'reserved') return;
    await store.clock.sleep(store.random() * PAUSE_MS * attempt);
  }
  throw new Contended(`the address ranges of namespace ${user}`);
}
