import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import { connectionKey as connectionKeyOf } from '../../model/identifiers.ts';
import { readNetworks } from '../../platform/store/networks.ts';
import { readShared } from '../../platform/store/shared-networks.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { fleetsOnConnection } from '../sharing/other-users.ts';
import { repeatAfterMs } from './ask-in-force.ts';
import type { Hidden } from './compare-account.ts';

/**
 * Checks whether a new credential, which is not in force yet, shows the networks of the connection's live
 * fleets, and the networks that fleets share. Such a network may stand although there is no machine. If the new
 * credential belonged to another account, the network would be left behind in the old account.
 *
 * One network that the new credential shows proves the account. A network counts as gone if the credential in
 * force does not show it either.
 *
 * @returns `hidden`: the first location with hidden networks, and their number. `waitMs`: delay before the
 *   next check, if the credential in force gave no answer. Undefined if no network is hidden
 * @throws DriverError if a call with the new credential fails, or a call gets no permit
 */
export async function hiddenNetworks(
  context: WorkerContext,
  connection: Connection,
  trial: CloudClient,
): Promise<{ hidden: Hidden } | { waitMs: number } | undefined> {
  const hidden = new Map<string, ReadonlySet<string>>();
  for (const [location, ids] of await recordedNetworks(context, connection)) {
    const shown = await networkIds(trial, location);
    if ([...ids].some((id) => shown.has(id))) return undefined;
    hidden.set(location, ids);
  }
  for (const [location, ids] of hidden) {
    const standing = await countStanding(context, connection, location, ids);
    if (typeof standing !== 'number') return standing;
    if (standing > 0) return { hidden: { what: 'networks', location, missing: standing } };
  }
  return undefined;
}

/**
 * Returns the backend ids of the connection's shared networks, and of the networks of its live fleets, by location.
 * Source: the network records.
 */
async function recordedNetworks(
  { store }: WorkerContext,
  connection: Connection,
): Promise<Map<string, Set<string>>> {
  const byLocation = new Map<string, Set<string>>();
  const connectionKey = connectionKeyOf(connection);
  const note = (location: string, backendId: string) =>
    byLocation.set(location, (byLocation.get(location) ?? new Set()).add(backendId));
  for (const { kind, location, backendId } of await readShared(store, { connectionKey }))
    if (kind === 'network' && backendId !== undefined) note(location, backendId);
  for (const fleetId of await fleetsOnConnection(store, connection)) {
    for (const one of await readNetworks(store, { fleetId })) {
      if (one.kind !== 'network' || one.backendId === undefined || one.connectionKey !== connectionKey)
        continue;
      note(one.location, one.backendId);
    }
  }
  return byLocation;
}

/**
 * Counts the given networks that the credential in force shows. If the cloud rejects that credential, or has
 * not answered for too long, counts all of the networks, because each of them may exist.
 *
 * @returns `waitMs`: delay before the next check, if the cloud may still answer
 */
async function countStanding(
  context: WorkerContext,
  connection: Connection,
  location: string,
  ids: ReadonlySet<string>,
): Promise<number | { waitMs: number }> {
  try {
    const { client } = await context.open(connectionKeyOf(connection));
    const standing = await networkIds(client, location);
    return [...ids].filter((id) => standing.has(id)).length;
  } catch (error) {
    if (!(error instanceof DriverError) || error.code === 'NoPermit') throw error;
    const waitMs = repeatAfterMs(context, connection, error);
    return waitMs === undefined ? ids.size : { waitMs };
  }
}

async function networkIds(client: CloudClient, location: string): Promise<ReadonlySet<string>> {
  const networks = await client.listNetworkResources(location, 'network');
  return new Set(networks.map(({ backendId }) => backendId));
}
