import type { CloudClient } from '../drivers/driver.ts';
import { DriverError } from '../drivers/errors.ts';
import { permitCalls } from '../governor/permit-calls.ts';
import type { Connection } from '../model/connection.ts';
import { connectionKey as connectionKeyOf, type InstanceRef, parseInstanceId } from '../model/identifiers.ts';
import { limitProfileOf } from '../model/limits-in-force.ts';
import { isClosed } from '../model/status.ts';
import { allLocations } from '../store/catalogue.ts';
import { type InstanceItem, readInstances, readPlaceEntries } from '../store/instances.ts';
import { hasLiveFleets } from '../store/live-fleets.ts';
import { loopLocations } from '../store/loops.ts';
import type { WorkerContext } from '../worker/context.ts';

/** A credential that hides more machines than this is refused without a question about each. */
const MOST_ASKED = 10;

/** Whether anything of a connection is left at its cloud: fleets that are not over, or records of open instances. */
export async function hasAnythingLive(
  { store, driver }: Pick<WorkerContext, 'store' | 'driver'>,
  { namespace, name }: Connection,
): Promise<boolean> {
  if (await hasLiveFleets(store, namespace, name)) return true;
  const connectionKey = connectionKeyOf(namespace, name);
  for (const location of await locationsOf({ store, driver }, connectionKey)) {
    if ((await readPlaceEntries(store, connectionKey, location)).length > 0) return true;
  }
  return false;
}

/** While a create is under way, it is not known yet whether there is a machine to be shown. */
const UNSETTLED_MS = 5_000;

/**
 * What a new credential does not show: how many machines, and where. `waitMs`: it cannot be told before, for want of a
 * permit, or since lists need not show yet what there is.
 */
export type Shown = { waitMs: number } | { hidden?: { location: string; missing: number } };

/**
 * Lists with a credential that is not in force, wherever machines of the connection live, and looks for each of them.
 * A machine that the credential in force does not show either counts as gone. Where that credential is refused, one
 * machine of a location that is shown proves the others. Machines that lists need not show yet are waited for, unless an
 * older one has proven the account.
 *
 * @throws DriverError of the new credential's calls
 */
export async function showsWhatLives(
  context: WorkerContext,
  connection: Connection,
  trial: CloudClient,
): Promise<Shown> {
  const { store } = context;
  const connectionKey = connectionKeyOf(connection.namespace, connection.name);
  const limits = limitProfileOf(connection.cloud, connection.limits);
  let isProven = false;
  let youngMs = 0;
  for (const location of await locationsOf(context, connectionKey)) {
    const { backendIds: expected, waitMs } = await standingAt(context, connectionKey, location);
    youngMs = Math.max(youngMs, waitMs);
    if (expected.length === 0) continue;
    const place = { connectionKey, location, limits };
    const { granted, retryAfterMs } = await permitCalls(store, place, 'list', 1);
    if (granted === 0) return { waitMs: retryAfterMs };
    const shown = new Set((await trial.listInstances(location)).map(({ backendId }) => backendId));
    const missing = expected.filter((backendId) => !shown.has(backendId));
    isProven ||= missing.length < expected.length;
    if (missing.length === 0) continue;
    const isHidden =
      missing.length > MOST_ASKED ||
      (await anyStands(context, { connectionKey, location }, missing, missing.length < expected.length));
    if (isHidden) return { hidden: { location, missing: missing.length } };
  }
  return youngMs > 0 && !isProven ? { waitMs: youngMs } : {};
}

/** Every location that may have a machine. A loop is begun only after the calls that make the first ones. */
async function locationsOf(
  { store, driver }: Pick<WorkerContext, 'store' | 'driver'>,
  connectionKey: string,
): Promise<string[]> {
  const [known, looked] = await Promise.all([
    allLocations(store, connectionKey),
    loopLocations(store, driver.name, connectionKey),
  ]);
  return [...new Set([...known.map(({ name }) => name), ...looked])];
}

/** Backend ids of machines that every list of the location has to show by now, and when it has to show all others. */
async function standingAt(
  { store, driver }: WorkerContext,
  connectionKey: string,
  location: string,
): Promise<{ backendIds: string[]; waitMs: number }> {
  const entries = await readPlaceEntries(store, connectionKey, location);
  const refs = entries
    .map(({ placeSk }) => parseInstanceId(placeSk))
    .filter((ref): ref is InstanceRef => !!ref);
  const listedInMs = ({ backendId, launchedAt, acceptedAtMs = 0 }: InstanceItem) =>
    backendId === undefined
      ? UNSETTLED_MS
      : Math.max(Date.parse(launchedAt), acceptedAtMs) + driver.consistencyWindowMs - store.clock.now();
  const open = [...(await readInstances(store, refs)).values()].filter(
    ({ status }) => !isClosed(status) && status !== 'Terminating' && status !== 'Planned',
  );
  return {
    backendIds: open.flatMap((record) => (listedInMs(record) < 0 ? (record.backendId ?? []) : [])),
    waitMs: Math.max(0, ...open.map(listedInMs)),
  };
}

/** @param isProven what a credential in force that cannot be asked leaves to believe */
async function anyStands(
  context: WorkerContext,
  { connectionKey, location }: { connectionKey: string; location: string },
  backendIds: readonly string[],
  isProven: boolean,
): Promise<boolean> {
  for (const backendId of backendIds) {
    try {
      const { client } = await context.open(connectionKey);
      const { status } = await client.getInstance(location, backendId);
      if (status !== 'Terminated') return true;
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      if (error.code !== 'NotFound') return !isProven;
    }
  }
  return false;
}
