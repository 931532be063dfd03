import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import {
  connectionKey as connectionKeyOf,
  type InstanceRef,
  parseInstanceId,
} from '../../model/identifiers.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import { limitProfileOf, limitsAt } from '../../model/limits-in-force.ts';
import { isClosed } from '../../model/status.ts';
import { allLocations } from '../../platform/store/catalogue.ts';
import { type InstanceItem, readInstances, readSiteEntries } from '../../platform/store/instances.ts';
import { loopLocations } from '../../platform/store/loops.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { fleetsOnConnection } from '../sharing/other-users.ts';
import { repeatAfterMs, UNSETTLED_MS } from './ask-in-force.ts';
import type { Hidden } from './compare-account.ts';
import { hiddenNetworks } from './hidden-networks.ts';
import { showsNetworkOf } from './shows-network.ts';

/** Returns true if a connection has live fleets, or instances that may have a machine. */
export async function hasAnythingLive(
  { store, driver }: Pick<WorkerContext, 'store' | 'driver'>,
  connection: Connection,
): Promise<boolean> {
  if ((await fleetsOnConnection(store, connection)).length > 0) return true;
  const connectionKey = connectionKeyOf(connection);
  for (const location of await locationsOf({ store, driver }, connectionKey)) {
    if ((await readSiteEntries(store, connectionKey, location)).length > 0) return true;
  }
  return false;
}

/**
 * Result of the check with a new credential. `hidden` describes what the new credential does not show.
 * `waitMs` is the delay before the next check. The next check is needed if the cloud gave no answer, or if
 * lists may not show the newest machines yet.
 */
export type Shown = { waitMs: number } | { hidden?: Hidden };

/**
 * Checks whether a new credential, which is not in force yet, shows the connection's machines at every
 * location that may have machines.
 *
 * A machine counts as gone if the credential in force does not show it either. If the cloud rejects the
 * credential in force, one machine that the new credential shows is proof for all machines at the same
 * location. If the new credential shows no machine there, the network of a fleet is the proof. With this
 * proof, machines in Terminating that the new credential does not show count as gone.
 *
 * If lists may not show the newest machines yet, the caller has to wait, unless an older machine has proven
 * the account. If no machine proves the account, the new credential has to show the networks of live fleets.
 *
 * @throws DriverError if a call with the new credential fails
 */
export async function showsWhatLives(
  context: WorkerContext,
  connection: Connection,
  trial: CloudClient,
): Promise<Shown> {
  const connectionKey = connectionKeyOf(connection);
  let isProven = false;
  let youngMs = 0;
  const limits = limitProfileOf(connection, connection.limits);
  for (const location of await locationsOf(context, connectionKey)) {
    const standing = await standingAt(context, connectionKey, location);
    youngMs = Math.max(youngMs, standing.waitMs);
    const site = { connectionKey, location, limits: limitsAt(limits, location) };
    const found = await compareLists(context, connection, site, standing, trial);
    if ('waitMs' in found) return found;
    if (found.missing > 0) return { hidden: { what: 'machines', location, missing: found.missing } };
    isProven ||= found.isProven;
  }
  if (isProven) return {};
  const networks = await hiddenNetworks(context, connection, trial);
  if (networks) return networks;
  return youngMs > 0 ? { waitMs: youngMs } : {};
}

/**
 * Compares the machines that the new credential shows at one location with the machines that the credential
 * in force shows there.
 *
 * @returns `missing`: number of existing machines that the new credential does not show. `isProven`: true if
 *   a machine or network proves that the new credential belongs to the same account. `waitMs`: delay before
 *   the next check, if the credential in force gave no answer
 */
async function compareLists(
  context: WorkerContext,
  connection: Connection,
  site: SiteRef & { limits: LimitProfile },
  { instanceIds, living, leaving, untold }: Standing,
  trial: CloudClient,
): Promise<{ waitMs: number } | { missing: number; isProven: boolean }> {
  if (living.length + leaving.length + untold.length === 0) return { missing: 0, isProven: false };
  const shown = new Set((await trial.listInstances(site.location)).map(({ backendId }) => backendId));
  const isHidden = (backendId: string) => !shown.has(backendId);
  const isProven = [...living, ...leaving].some((backendId) => shown.has(backendId));
  const missing = [...living, ...leaving].filter(isHidden);
  if (missing.length === 0 && untold.length === 0) return { missing: 0, isProven };
  const inForce = await standingInForce(context, site, missing, untold);
  if (!('refused' in inForce)) return { missing: inForce.filter(isHidden).length, isProven };
  const waitMs = repeatAfterMs(context, connection, inForce.refused);
  if (waitMs !== undefined) return { waitMs };
  if (isProven) return { missing: 0, isProven };
  // Hidden machines in Terminating may no longer exist, or may exist in another account. The network of their
  // fleet shows which of the two is true.
  const isNetworkShown = await showsNetworkOf(context, site, instanceIds, trial);
  const hidden = isNetworkShown ? living.filter(isHidden) : missing;
  return { missing: hidden.length + (isNetworkShown ? 0 : untold.length), isProven: isNetworkShown };
}

/**
 * Returns the backend ids of the given machines that the credential in force shows, or the error of a failed
 * call. A list may leave machines out. If the list shows none of the given machines, reads the first of them
 * by its id.
 */
async function standingInForce(
  context: WorkerContext,
  { connectionKey, location }: SiteRef,
  backendIds: readonly string[],
  launchTokens: readonly string[],
): Promise<string[] | { refused: DriverError }> {
  const [ids, tokens] = [new Set(backendIds), new Set(launchTokens)];
  try {
    const { client } = await context.open(connectionKey);
    const standing = (await client.listInstances(location)).flatMap(
      ({ backendId, launchToken = '', status }) =>
        status !== 'Terminated' && (ids.has(backendId) || tokens.has(launchToken)) ? [backendId] : [],
    );
    const [first] = backendIds;
    if (standing.length > 0 || first === undefined) return standing;
    return (await client.getInstance(location, first)).status === 'Terminated' ? [] : [first];
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit') throw error;
    if (error.code === 'NotFound') return [];
    context.log.warn('the machines could not be listed with the credential in force', {
      connectionKey,
      location,
      code: error.code,
    });
    return { refused: error };
  }
}

/**
 * Returns every location that may have a machine: the locations in the catalogue, and the locations that have
 * a poll loop, idle or not.
 */
async function locationsOf(
  { store, driver }: Pick<WorkerContext, 'store' | 'driver'>,
  connectionKey: string,
): Promise<string[]> {
  const [known, polled] = await Promise.all([
    allLocations(store, connectionKey),
    loopLocations(store, driver.name, connectionKey),
  ]);
  return [...new Set([...known.map(({ name }) => name), ...polled])];
}

/** Machines that may exist at a location. */
interface Standing {
  /** Instance ids of all these machines. */
  instanceIds: string[];
  /**
   * Backend ids of machines that every list of the location has to show now. Machines in Terminating are left
   * out.
   */
  living: string[];
  /**
   * Backend ids of machines in Terminating. Such a machine counts as existing until the cloud shows that it
   * is gone.
   */
  leaving: string[];
  /**
   * Launch tokens of instances in Terminating whose backend ids are unknown. Such an instance may have no
   * machine.
   */
  untold: string[];
  /**
   * Time until lists have to show the youngest machine, in milliseconds. 0 if lists already have to show all
   * machines.
   */
  waitMs: number;
}

/**
 * Returns the machines that may exist at a location. Machines in Terminating are included: if a credential of
 * another account came into force, the records of these machines would be closed although the machines still
 * exist.
 */
async function standingAt(
  { store, driver }: WorkerContext,
  connectionKey: string,
  location: string,
): Promise<Standing> {
  const entries = await readSiteEntries(store, connectionKey, location);
  const refs = entries
    .map(({ siteSk }) => parseInstanceId(siteSk))
    .filter((ref): ref is InstanceRef => !!ref);
  const listedInMs = ({ backendId, launchedAt, acceptedAtMs = 0 }: InstanceItem) =>
    backendId === undefined
      ? UNSETTLED_MS
      : Math.max(Date.parse(launchedAt), acceptedAtMs) + driver.consistencyWindowMs - store.clock.now();
  const idsOf = (records: readonly InstanceItem[]) =>
    records.flatMap((record) => (listedInMs(record) < 0 ? (record.backendId ?? []) : []));
  const open = [...(await readInstances(store, refs)).values()].filter(
    ({ status }) => !isClosed(status) && status !== 'Planned',
  );
  const living = open.filter(({ status }) => status !== 'Terminating');
  const leaving = open.filter(({ status }) => status === 'Terminating');
  return {
    instanceIds: open.map(({ instanceId }) => instanceId),
    living: idsOf(living),
    leaving: idsOf(leaving),
    untold: leaving.flatMap(({ backendId, launchToken }) => (backendId === undefined ? [launchToken] : [])),
    waitMs: Math.max(0, ...living.map(listedInMs)),
  };
}
