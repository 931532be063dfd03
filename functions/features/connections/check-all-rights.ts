import pLimit from 'p-limit';
import { has, type RightsCheck } from '../../drivers/contract/capabilities.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';
import { connectionKey as connectionKeyOf, parseConnectionKey } from '../../model/identifiers.ts';
import type { LocationRights } from '../../model/location-rights.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { allLocations } from '../../platform/store/catalogue.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import { allRights, putRights } from '../../platform/store/location-rights.ts';
import { updateConnection } from '../../platform/store/update-connection.ts';
import { ACK, type MessageResult, requeueAs, type WorkerContext } from '../../platform/worker/context.ts';
import type { CheckRightsMessage } from '../../platform/workflow/messages.ts';
import { MISSING_RIGHTS, needsOf } from './check-rights.ts';
import { checkSpotRole, MISSING_SPOT_ROLE } from './check-spot-role.ts';

/** Maximum number of locations that one check asks. No cloud has more today. The others are named in the warning. */
export const MOST_LOCATIONS = 60;
const CONCURRENT_LOCATIONS = 4;
const PERMIT_WAIT_MS = 5_000;
/** Time after the start of an invocation, in ms, after which it begins with no further location. */
const BEGIN_MS = 4_000;
/** Maximum number of messages of one check. The locations that are left then stay as the last check has found them. */
const MOST_PARTS = 40;
const MOST_NAMED = 8;
const MOST_WORDS = 900;
const OWN_WARNINGS: ReadonlySet<string> = new Set([MISSING_RIGHTS, MISSING_SPOT_ROLE]);

/**
 * Checks at each available location of a connection whether the cloud lets the credential do what a launch needs. Rights
 * may differ by location: a policy may name regions, and an organization may deny some. Writes the missing rights of each
 * location, and a warning to the connection: about missing rights, else about a missing role for spot machines.
 *
 * A location that does not answer keeps what the last check has found. Locations without a permit are asked by a later
 * message. Only drivers with the capability `rights-check` are asked.
 */
export async function checkAllRights(
  context: WorkerContext,
  message: CheckRightsMessage,
): Promise<MessageResult> {
  const { store } = context;
  const { connectionKey, part = 1 } = message;
  const connection = await readCurrent(context, message);
  if (!connection) return ACK;
  const available = (await allLocations(store, connectionKey, true))
    .filter((location) => location.available)
    .map(({ name }) => name)
    .toSorted();
  const asked = message.left ?? available.slice(0, MOST_LOCATIONS);
  const ended = await askAll(context, connection, message, asked);
  const left = ended.flatMap(({ location, waitMs }) => (waitMs === undefined ? [] : [location]));
  if (left.length > 0 && part < MOST_PARTS) {
    const waitMs = Math.max(...ended.map((one) => one.waitMs ?? 0));
    return requeueAs({ ...message, left, part: part + 1 }, waitMs);
  }
  const rights = warningOf(available, await allRights(store, connectionKey, true));
  await writeWarning(context, connection, rights ?? (await spotRoleWarning(context, connection, available)));
  return ACK;
}

/** Looks for the role for spot machines, which an account has for all locations. */
async function spotRoleWarning(
  context: WorkerContext,
  connection: Connection,
  [location]: readonly string[],
): Promise<Failure | undefined> {
  try {
    const opened = await context.open(connectionKeyOf(connection));
    return await checkSpotRole(context, opened.onTerms({ waitMs: PERMIT_WAIT_MS }), location);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return undefined;
  }
}

/** Returns the connection, if the credential that the message is about is still in force. */
async function readCurrent(
  { store }: WorkerContext,
  { connectionKey, credentialVersion }: CheckRightsMessage,
): Promise<Connection | undefined> {
  const connection = await readConnectionOf(store, parseConnectionKey(connectionKey));
  if (!connection || connection.deletion?.isDecided) return undefined;
  const isOther = credentialVersion !== undefined && connection.credentialVersion !== credentialVersion;
  return isOther ? undefined : connection;
}

/** Outcome at one location. With `waitMs`, the location has to be asked again after that time. */
interface Asked {
  location: string;
  waitMs?: number;
}

async function askAll(
  context: WorkerContext,
  connection: Connection,
  { connectionKey }: CheckRightsMessage,
  locations: readonly string[],
): Promise<Asked[]> {
  const beganMs = context.store.clock.now();
  try {
    const opened = await context.open(connectionKey);
    const client = opened.onTerms({ waitMs: PERMIT_WAIT_MS });
    if (!has(client, 'rights-check')) return [];
    const limit = pLimit(CONCURRENT_LOCATIONS);
    const isOver = () => context.store.clock.now() - beganMs > BEGIN_MS;
    return await Promise.all(
      locations.map((location, at) =>
        limit(async (): Promise<Asked> => {
          if (at >= CONCURRENT_LOCATIONS && isOver()) return { location, waitMs: 0 };
          return await askAt(context, connection, client, location);
        }),
      ),
    );
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('the rights of a credential could not be checked', { connectionKey, code: error.code });
    return [];
  }
}

/** @throws DriverError Unauthorized if the cloud refuses the credential: further locations would refuse it, too */
async function askAt(
  context: WorkerContext,
  connection: Connection,
  client: RightsCheck,
  location: string,
): Promise<Asked> {
  const { store, log } = context;
  const connectionKey = connectionKeyOf(connection);
  try {
    const missing = await client.checkRights(location, needsOf(connection));
    const rights = { location, missing, checkedAt: isoTime(store.clock.now()) };
    await putRights(store, connectionKey, rights);
    return { location };
  } catch (error) {
    if (!(error instanceof DriverError) || error.code === 'Unauthorized') throw error;
    if (error.code === 'NoPermit' || error.code === 'Throttled')
      return { location, waitMs: error.retryAfterMs ?? 2_000 };
    log.warn('the rights at a location could not be checked', { connectionKey, location, code: error.code });
    return { location };
  }
}

/**
 * Returns the warning about a connection: which calls the cloud denies where, and which locations were not checked.
 *
 * @returns undefined if no right is known to be missing
 */
export function warningOf(
  available: readonly string[],
  rights: ReadonlyMap<string, LocationRights>,
): Failure | undefined {
  const checked = available.flatMap((name) => rights.get(name) ?? []);
  const lacking = checked.filter(({ missing }) => missing.length > 0);
  const [first] = lacking.flatMap(({ missing }) => missing);
  if (!first) return undefined;
  const callsAt = ({ missing }: LocationRights) => missing.map(({ call }) => call).join(', ');
  const byCalls = [...Map.groupBy(lacking, callsAt)].map(
    ([calls, at]) => `${calls} at ${placesOf(at, checked.length)}`,
  );
  const unchecked = available.length - checked.length;
  const rest = unchecked === 0 ? '' : `; ${unchecked} of ${available.length} locations were not checked`;
  const words = `the cloud accepts the credential and denies it these calls: ${byCalls.join('; ')}${rest}. It says: ${first.message}`;
  return { code: MISSING_RIGHTS, message: words.slice(0, MOST_WORDS) };
}

function placesOf(at: readonly LocationRights[], checked: number): string {
  if (at.length === checked && checked > 1) return `all ${checked} checked locations`;
  const names = at.slice(0, MOST_NAMED).map(({ location }) => location);
  const more = at.length > names.length ? ` and ${at.length - names.length} more` : '';
  return `${names.join(', ')}${more}`;
}

/** Writes or removes the warning. A warning of another kind stays. */
async function writeWarning(
  { store }: WorkerContext,
  { id, warning: known, credentialVersion, ...connection }: Connection,
  warning: Failure | undefined,
): Promise<void> {
  if (known && !OWN_WARNINGS.has(known.code)) return;
  if (!warning && !known) return;
  const condition = { id, credentialVersion };
  if (warning) await updateConnection(store, connection, { warning }, condition);
  else await updateConnection(store, connection, {}, { ...condition, remove: ['warning'] });
}
