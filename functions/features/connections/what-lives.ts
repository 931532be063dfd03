import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import {
  connectionKey as connectionKeyOf,
  type InstanceRef,
  parseInstanceId,
} from '../../model/identifiers.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import { limitProfileOf } from '../../model/limits-in-force.ts';
import { isClosed } from '../../model/status.ts';
import { allLocations } from '../../platform/store/catalogue.ts';
import { type InstanceItem, readInstances, readSiteEntries } from '../../platform/store/instances.ts';
import { hasLiveFleets } from '../../platform/store/live-fleets.ts';
import { loopLocations } from '../../platform/store/loops.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { showsNetworkOf } from './shows-network.ts';

/** Whether anything of a connection is left at its cloud: fleets that are not over, or records of open instances. */
export async function hasAnythingLive(
  { store, driver }: Pick<WorkerContext, 'store' | 'driver'>,
  { namespace, name }: Connection,
): Promise<boolean> {
  if (await hasLiveFleets(store, namespace, name)) return true;
  const connectionKey = connectionKeyOf(namespace, name);
  for (const location of await locationsOf({ store, driver }, connectionKey)) {
    if ((await readSiteEntries(store, connectionKey, location)).length > 0) return true;
  }
  return false;
}

/** While a create is under way, it is not known yet whether there is a machine to be shown. */
const UNSETTLED_MS = 5_000;
/** So long after a rotation was asked for, the cloud is asked again with a credential in force that it does not answer. */
const LONGEST_ASKING_MS = 2 * 60_000;

/**
 * What a new credential does not show: how many machines, and where. `waitMs`: it cannot be told before, for want of a
 * permit, or since lists need not show yet what there is.
 */
export type Shown = { waitMs: number } | { hidden?: { location: string; missing: number } };

/**
 * Lists with a credential that is not in force, wherever machines of the connection may stand, and looks for each of
 * them. A machine that the credential in force does not show either counts as gone. Where that credential is refused,
 * one machine of a location that is shown proves the others. Where none is shown, those that are to be removed may be
 * gone, so that the network of their fleet proves it. Machines that lists need not show yet are waited for, unless an older one has proven the account.
 *
 * @throws DriverError of the new credential's calls
 */
export async function showsWhatLives(
  context: WorkerContext,
  connection: Connection,
  trial: CloudClient,
): Promise<Shown> {
  const connectionKey = connectionKeyOf(connection.namespace, connection.name);
  let isProven = false;
  let youngMs = 0;
  for (const location of await locationsOf(context, connectionKey)) {
    const standing = await standingAt(context, connectionKey, location);
    youngMs = Math.max(youngMs, standing.waitMs);
    const site = { connectionKey, location, limits: limitProfileOf(connection.cloud, connection.limits) };
    const found = await compareLists(context, connection, site, standing, trial);
    if ('waitMs' in found) return found;
    if (found.missing > 0) return { hidden: { location, missing: found.missing } };
    isProven ||= found.isProven;
  }
  return youngMs > 0 && !isProven ? { waitMs: youngMs } : {};
}

/** @returns how many machines of one location the new credential hides, and whether it shows one of them */
async function compareLists(
  context: WorkerContext,
  { rotation }: Connection,
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
  const askedMs = context.store.clock.now() - Date.parse(rotation?.requestedAt ?? '');
  if (inForce.refused.code !== 'Unauthorized' && askedMs < LONGEST_ASKING_MS)
    return { waitMs: inForce.refused.retryAfterMs ?? UNSETTLED_MS };
  if (isProven) return { missing: 0, isProven };
  // Those that are to be removed may be gone, or stand in another account.
  const isNetworkShown = await showsNetworkOf(context, site, instanceIds, trial);
  const hidden = isNetworkShown ? living.filter(isHidden) : missing;
  return { missing: hidden.length + (isNetworkShown ? 0 : untold.length), isProven: isNetworkShown };
}

/**
 * Backend ids of those machines that stand by the credential in force, or why it shows none. A list may leave out what
 * is there, so that of those which it does not show, one is asked for by itself.
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
    context.log.warn('the credential in force shows nothing', {
      connectionKey,
      location,
      code: error.code,
    });
    return { refused: error };
  }
}

/** Every location that may have a machine. A loop is begun only after the calls that make the first ones. */
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

/** Machines that may stand at a location. */
interface Standing {
  /** Of all of them. */
  instanceIds: string[];
  /** Backend ids of those that every list of the location has to show by now. */
  living: string[];
  /** Backend ids of those that are to be removed: they stand until the cloud shows that they are gone. */
  leaving: string[];
  /** Launch tokens of those that are to be removed, if there are any, and whose backend ids were never told. */
  untold: string[];
  /** When lists have to show all others, in milliseconds from now. */
  waitMs: number;
}

/** In another account, what is to be removed would stand on, and its record would be closed. */
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
