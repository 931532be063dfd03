import pLimit from 'p-limit';
import { has } from '../../drivers/contract/capabilities.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import { appliedLimitsOf } from '../../model/applied-limits.ts';
import type { InstanceType, Location, Offer } from '../../model/cloud.ts';
import type { InventoryFailure } from '../../model/connection.ts';
import { parseConnectionKey } from '../../model/identifiers.ts';
import { noteAppliedLimits } from '../../platform/store/applied-limits.ts';
import { allLocations } from '../../platform/store/catalogue.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import { removeQuotas } from '../../platform/store/quota-readings.ts';
import { updateConnection } from '../../platform/store/update-connection.ts';
import { clearCatalogue, replaceLocations, replaceOffers } from '../../platform/store/write-catalogue.ts';
import {
  ACK,
  type MessageResult,
  type OpenConnection,
  requeueAfter,
  requeueAs,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { SyncInventoryMessage } from '../../platform/workflow/messages.ts';
import { denialOf, mergeLocations } from './denied-locations.ts';
import { askAgain, lostEverywhere, noteAllowed, noteDenial, questionOf } from './note-denials.ts';
import { syncQuotas } from './sync-quotas.ts';

const CONCURRENT_LOCATIONS = 4;
const PERMIT_WAIT_MS = 5_000;
/**
 * Time after the start of an invocation, in ms. After this time, the invocation begins to read no further
 * locations. Another message continues with these locations. Reading one location takes a few seconds, and
 * the time limit of the function is at least 20 seconds.
 */
const BEGIN_MS = 4_000;
/**
 * Maximum number of failures in a connection's record. Further failures are left out, because they would not
 * help the user.
 */
const MOST_FAILURES = 20;
/** Placeholder for the location, in calls that belong to no location. */
const EVERYWHERE = 'everywhere';

/**
 * Updates a connection's catalogue, location by location. A location that cannot be read keeps its old data.
 * If the connection was deleted, even during the sync, clears its catalogue.
 *
 * With many locations, a sync takes longer than a function may run. Another message continues with the
 * locations that the invocation did not begin in time, and with locations whose calls were throttled.
 */
export async function syncInventory(
  context: WorkerContext,
  message: SyncInventoryMessage,
): Promise<MessageResult> {
  const { store } = context;
  const { connectionKey } = message;
  const ref = parseConnectionKey(connectionKey);
  // A deletion during this sync may have cleared the catalogue before the sync wrote its entries. The
  // function therefore checks for a deletion again after the sync.
  const exists = async () => {
    const connection = await readConnectionOf(store, ref);
    return connection !== undefined && connection.deletion?.isDecided !== true;
  };
  const ended = (await exists()) ? await syncPart(context, message) : ACK;
  if (await exists()) return ended;
  await clearCatalogue(store, connectionKey);
  return ACK;
}

async function syncPart(context: WorkerContext, message: SyncInventoryMessage): Promise<MessageResult> {
  const { store, log } = context;
  const { connectionKey } = message;
  const beganMs = store.clock.now();
  const opened = await openPatiently(context, connectionKey).catch((error: unknown) => {
    if (!(error instanceof DriverError)) throw error;
    log.warn('the inventory could not be read', { connectionKey, code: error.code, message: error.message });
    return { failed: { code: error.code, message: error.message } };
  });
  if ('failed' in opened) return await tellFailures(context, connectionKey, [opened.failed]);
  if (message.left) return await syncLocations(context, message, opened, { beganMs, left: message.left });
  const locations = await guarded(context, connectionKey, opened, EVERYWHERE, () =>
    opened.client.listLocations(),
  );
  if ('waitMs' in locations) return requeueAfter(locations.waitMs);
  if ('failed' in locations) return await tellFailures(context, connectionKey, [locations.failed]);
  const known = await allLocations(store, connectionKey);
  await withdrawVanished(context, connectionKey, locations.answer, known);
  const merged = mergeLocations(locations.answer, known, questionOf(context, message));
  await replaceLocations(store, connectionKey, merged);
  const everywhere = await readEverywhere(context, connectionKey, opened);
  if (everywhere && 'waitMs' in everywhere) return requeueAfter(everywhere.waitMs);
  if (everywhere && 'failed' in everywhere)
    return await tellFailures(context, connectionKey, [everywhere.failed]);
  const isAsked = ({ name }: Location) => !message.again || message.again.locations.includes(name);
  const asked = locations.answer.filter(isAsked);
  const left = asked.flatMap(({ name, available }) => (available ? [name] : []));
  const denied = asked.flatMap(({ name, unavailable }) => (unavailable ? [name] : []));
  const part = { beganMs, left, everywhere: everywhere?.answer };
  return await syncLocations(context, { ...message, denied }, opened, part);
}

/**
 * Opens a client whose calls wait for permits. Reading one location takes several calls. If one of these
 * calls got no permit, all of them would have to be repeated.
 */
async function openPatiently(context: WorkerContext, connectionKey: string): Promise<OpenConnection> {
  const opened = await context.open(connectionKey);
  return { ...opened, client: opened.onTerms({ waitMs: PERMIT_WAIT_MS }) };
}

interface Part {
  /** Time at which this invocation began its part of the sync, in milliseconds since 1970. */
  beganMs: number;
  /** Locations that are still to be read. */
  left: readonly string[];
  everywhere?: Offered | undefined;
}

async function syncLocations(
  context: WorkerContext,
  message: SyncInventoryMessage,
  opened: OpenConnection,
  { beganMs, left, everywhere }: Part,
): Promise<MessageResult> {
  const { store } = context;
  const { connectionKey } = message;
  const known = new Map((await allLocations(store, connectionKey, true)).map((one) => [one.name, one]));
  const limit = pLimit(CONCURRENT_LOCATIONS);
  // If this invocation has read the offers of all locations in one call, it must write all locations. The
  // next message does not contain these offers.
  const isOver = () => !everywhere && store.clock.now() - beganMs > BEGIN_MS;
  const read = async (location: string, at: number): Promise<Guarded<void> | { denied: true }> => {
    if (at >= CONCURRENT_LOCATIONS && isOver()) return { waitMs: 0 };
    const ended = await syncLocation(context, connectionKey, opened, location, everywhere);
    if ('failed' in ended && ended.denial) {
      await noteDenial(context, message, known.get(location), ended.denial);
      return { denied: true };
    }
    if ('answer' in ended) await noteAllowed(context, message, known.get(location));
    return ended;
  };
  const parts = await Promise.all(
    left.map(async (location, at) => ({ location, ended: await limit(() => read(location, at)) })),
  );
  const failures = [
    ...(message.failures ?? []),
    ...parts.flatMap(({ ended }) => ('failed' in ended ? [ended.failed] : [])),
  ].slice(0, MOST_FAILURES);
  const denied = [
    ...(message.denied ?? []),
    ...parts.flatMap(({ location, ended }) => ('denied' in ended ? [location] : [])),
  ];
  const waits = parts.flatMap(({ location, ended }) =>
    'waitMs' in ended ? [{ location, waitMs: ended.waitMs }] : [],
  );
  if (waits.length > 0) {
    const rest = { ...message, left: waits.map(({ location }) => location), failures, denied };
    return requeueAs(rest, Math.max(...waits.map(({ waitMs }) => waitMs)));
  }
  await askAgain(context, message, denied);
  // The questions about denied locations are no sync of the whole inventory.
  if (message.again) return ACK;
  if (message.thenRights) await context.send({ kind: 'check-rights', connectionKey }, 0);
  if (failures.length > 0) return await tellFailures(context, connectionKey, failures);
  if (denied.length > 0) {
    const lost = await lostEverywhere(context, connectionKey);
    if (lost) return await tellFailures(context, connectionKey, [lost]);
  }
  const ref = parseConnectionKey(connectionKey);
  const inventorySyncedAt = new Date(store.clock.now()).toISOString();
  await updateConnection(store, ref, { inventorySyncedAt }, { remove: ['inventoryFailures'] });
  return ACK;
}

/**
 * Writes the failures to the connection. The failures tell the user which part of the catalogue is old, and
 * why.
 */
async function tellFailures(
  { store }: WorkerContext,
  connectionKey: string,
  failures: readonly InventoryFailure[],
): Promise<MessageResult> {
  const ref = parseConnectionKey(connectionKey);
  await updateConnection(store, ref, { inventoryFailures: failures.slice(0, MOST_FAILURES) });
  return ACK;
}

/** Removes the offers and the quotas of locations that the cloud no longer lists. */
async function withdrawVanished(
  { store }: WorkerContext,
  connectionKey: string,
  locations: readonly Location[],
  known: readonly Location[],
): Promise<void> {
  const told = new Set(locations.map(({ name }) => name));
  for (const { name, available } of known) {
    if (!available || told.has(name)) continue;
    await removeQuotas(store, connectionKey, name);
    await replaceOffers(store, connectionKey, name, { instanceTypes: [], offers: [], images: [] });
  }
}

interface Offered {
  instanceTypes: InstanceType[];
  offers: Offer[];
}

/** Reads the offers of all locations in one call. @returns undefined if the cloud has no such call */
async function readEverywhere(
  context: WorkerContext,
  connectionKey: string,
  opened: OpenConnection,
): Promise<Guarded<Offered> | undefined> {
  const { client } = opened;
  if (!has(client, 'global-catalogue')) return undefined;
  return await guarded(context, connectionKey, opened, EVERYWHERE, () => client.listOffersEverywhere());
}

type Guarded<Answer> = { answer: Answer } | { waitMs: number } | Failed;

interface Failed {
  failed: InventoryFailure;
  /** Set if the cloud denied the call. */
  denial?: { code: string; message: string };
}

async function syncLocation(
  context: WorkerContext,
  connectionKey: string,
  opened: OpenConnection,
  location: string,
  everywhere: Offered | undefined,
): Promise<Guarded<void>> {
  const offered = everywhere
    ? { answer: offeredAt(everywhere, location) }
    : await guarded(context, connectionKey, opened, location, () => opened.client.listOffers(location));
  if (!('answer' in offered)) return offered;
  const images = await guarded(context, connectionKey, opened, location, () =>
    opened.client.listImages(location),
  );
  if (!('answer' in images)) return images;
  await replaceOffers(context.store, connectionKey, location, { ...offered.answer, images: images.answer });
  const quotas = await syncQuotas(context, connectionKey, opened, location);
  if (quotas) await noteAppliedLimits(context.store, opened.connection, location, appliedLimitsOf(quotas));
  return { answer: undefined };
}

function offeredAt({ instanceTypes, offers }: Offered, location: string): Offered {
  const here = offers.filter((offer) => offer.location === location);
  const names = new Set(here.map(({ instanceType }) => instanceType));
  return { instanceTypes: instanceTypes.filter(({ name }) => names.has(name)), offers: here };
}

/**
 * Makes one call. If the call fails, logs the error. After a throttle or a refused permit, returns the delay
 * of the next attempt. Returns any other driver error as a failure.
 */
async function guarded<Answer>(
  context: WorkerContext,
  connectionKey: string,
  _opened: OpenConnection,
  location: string,
  call: () => Promise<Answer>,
): Promise<Guarded<Answer>> {
  try {
    return { answer: await call() };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('the inventory could not be read', {
      connectionKey,
      location,
      code: error.code,
      message: error.message,
    });
    if (error.code !== 'Throttled' && error.code !== 'NoPermit') {
      const failure = { code: error.code, message: error.message };
      if (location === EVERYWHERE) return { failed: failure };
      const denial = error.code === 'Forbidden' ? { denial: denialOf(error) } : {};
      return { failed: { ...failure, location }, ...denial };
    }
    return { waitMs: error.retryAfterMs ?? 2_000 };
  }
}
