import pLimit from 'p-limit';
import { has } from '../drivers/capabilities.ts';
import { DriverError } from '../drivers/errors.ts';
import { permitCalls, slowDown } from '../governor/governor.ts';
import type { InstanceType, Location, Offer } from '../model/cloud.ts';
import type { InventoryFailure } from '../model/connection.ts';
import { parseConnectionKey } from '../model/identifiers.ts';
import { allLocations } from '../store/catalogue.ts';
import { readConnection, updateConnection } from '../store/connections.ts';
import { clearCatalogue, replaceLocations, replaceOffers } from '../store/write-catalogue.ts';
import {
  type Disposition,
  DONE,
  governed,
  type OpenConnection,
  type WorkerContext,
  waitFor,
} from '../worker/context.ts';
import type { SyncInventoryMessage } from '../workflow/messages.ts';

const CONCURRENT_LOCATIONS = 4;
/** More would say no more. */
const MOST_FAILURES = 20;
/** The governor's name for calls that belong to no location. */
const EVERYWHERE = 'everywhere';

/**
 * Brings a connection's catalogue up to date, location by location. What could not be read keeps its old data; a
 * sync that was throttled comes back for the rest. A connection that was deleted, also while this went on, keeps none.
 */
export async function syncInventory(
  context: WorkerContext,
  { connectionKey }: SyncInventoryMessage,
): Promise<Disposition> {
  const { store } = context;
  const { namespace, name } = parseConnectionKey(connectionKey);
  const exists = async () => (await readConnection(store, namespace, name)) !== undefined;
  const ended = (await exists()) ? await syncLocations(context, connectionKey) : DONE;
  if (await exists()) return ended;
  await clearCatalogue(store, connectionKey);
  return DONE;
}

async function syncLocations(context: WorkerContext, connectionKey: string): Promise<Disposition> {
  const { store, log } = context;
  const opened = await context.open(connectionKey).catch((error: unknown) => {
    if (!(error instanceof DriverError)) throw error;
    log.warn('inventory was not read', { connectionKey, code: error.code, message: error.message });
    return { failed: { code: error.code, message: error.message } };
  });
  if ('failed' in opened) return await tellFailures(context, connectionKey, [opened.failed]);
  const locations = await guarded(context, connectionKey, opened, EVERYWHERE, () =>
    opened.client.listLocations(),
  );
  if ('waitMs' in locations) return waitFor(locations.waitMs);
  if ('failed' in locations) return await tellFailures(context, connectionKey, [locations.failed]);
  await withdrawVanished(context, connectionKey, locations.answer);
  await replaceLocations(store, connectionKey, locations.answer);
  const everywhere = await readEverywhere(context, connectionKey, opened);
  if (everywhere && 'waitMs' in everywhere) return waitFor(everywhere.waitMs);
  if (everywhere && 'failed' in everywhere)
    return await tellFailures(context, connectionKey, [everywhere.failed]);
  const limit = pLimit(CONCURRENT_LOCATIONS);
  const parts = await Promise.all(
    locations.answer
      .filter(({ available }) => available)
      .map(({ name }) => limit(() => syncLocation(context, connectionKey, opened, name, everywhere?.answer))),
  );
  const waits = parts.flatMap((part) => ('waitMs' in part ? [part.waitMs] : []));
  if (waits.length > 0) return waitFor(Math.max(...waits));
  const failures = parts.flatMap((part) => ('failed' in part ? [part.failed] : []));
  if (failures.length > 0) return await tellFailures(context, connectionKey, failures);
  const { namespace, name } = parseConnectionKey(connectionKey);
  const inventorySyncedAt = new Date(store.clock.now()).toISOString();
  await updateConnection(store, namespace, name, { inventorySyncedAt }, { remove: ['inventoryFailures'] });
  return DONE;
}

/** The old data stays; whoever reads the connection is told which part of it is old, and why. */
async function tellFailures(
  { store }: WorkerContext,
  connectionKey: string,
  failures: readonly InventoryFailure[],
): Promise<Disposition> {
  const { namespace, name } = parseConnectionKey(connectionKey);
  await updateConnection(store, namespace, name, { inventoryFailures: failures.slice(0, MOST_FAILURES) });
  return DONE;
}

/** What a location offered that the cloud no longer tells of cannot be had any more. */
async function withdrawVanished(
  { store }: WorkerContext,
  connectionKey: string,
  locations: readonly Location[],
): Promise<void> {
  const told = new Set(locations.map(({ name }) => name));
  const known = await allLocations(store, connectionKey);
  for (const { name, available } of known) {
    if (!available || told.has(name)) continue;
    await replaceOffers(store, connectionKey, name, { instanceTypes: [], offers: [], images: [] });
  }
}

interface Offered {
  instanceTypes: InstanceType[];
  offers: Offer[];
}

/** The offers of all locations, where the cloud tells them in one call. */
async function readEverywhere(
  context: WorkerContext,
  connectionKey: string,
  opened: OpenConnection,
): Promise<Guarded<Offered> | undefined> {
  const { client } = opened;
  if (!has(client, 'global-catalogue')) return undefined;
  return await guarded(context, connectionKey, opened, EVERYWHERE, () => client.listOffersEverywhere());
}

type Guarded<Answer> = { answer: Answer } | { waitMs: number } | { failed: InventoryFailure };

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
  return { answer: undefined };
}

function offeredAt({ instanceTypes, offers }: Offered, location: string): Offered {
  const here = offers.filter((offer) => offer.location === location);
  const names = new Set(here.map(({ instanceType }) => instanceType));
  return { instanceTypes: instanceTypes.filter(({ name }) => names.has(name)), offers: here };
}

/** One call under a permit; a throttle or a missing permit says when to come back, any other error is logged. */
async function guarded<Answer>(
  context: WorkerContext,
  connectionKey: string,
  opened: OpenConnection,
  location: string,
  call: () => Promise<Answer>,
): Promise<Guarded<Answer>> {
  const place = governed({ connectionKey, location }, opened);
  const permit = await permitCalls(context.store, place, 'list', 1);
  if (permit.granted === 0) return { waitMs: permit.retryAfterMs };
  try {
    return { answer: await call() };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('inventory was not read', {
      connectionKey,
      location,
      code: error.code,
      message: error.message,
    });
    if (error.code !== 'Throttled') {
      const failure = { code: error.code, message: error.message };
      return { failed: location === EVERYWHERE ? failure : { ...failure, location } };
    }
    await slowDown(context.store, place, 'list', error.retryAfterMs);
    return { waitMs: error.retryAfterMs ?? 2_000 };
  }
}
