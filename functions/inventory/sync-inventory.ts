import pLimit from 'p-limit';
import { DriverError } from '../drivers/errors.ts';
import { permitCalls, slowDown } from '../governor/governor.ts';
import { parseConnectionKey } from '../model/identifiers.ts';
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
  });
  if (!opened) return DONE;
  const locations = await guarded(context, connectionKey, opened, EVERYWHERE, () =>
    opened.client.listLocations(),
  );
  if ('waitMs' in locations) return waitFor(locations.waitMs);
  if ('failed' in locations) return DONE;
  await replaceLocations(store, connectionKey, locations.answer);
  const limit = pLimit(CONCURRENT_LOCATIONS);
  const parts = await Promise.all(
    locations.answer
      .filter(({ available }) => available)
      .map(({ name }) => limit(() => syncLocation(context, connectionKey, opened, name))),
  );
  const waits = parts.flatMap((part) => ('waitMs' in part ? [part.waitMs] : []));
  if (waits.length > 0) return waitFor(Math.max(...waits));
  if (parts.some((part) => 'failed' in part)) return DONE;
  const { namespace, name } = parseConnectionKey(connectionKey);
  await updateConnection(store, namespace, name, {
    inventorySyncedAt: new Date(store.clock.now()).toISOString(),
  });
  return DONE;
}

type Guarded<Answer> = { answer: Answer } | { waitMs: number } | { failed: true };

async function syncLocation(
  context: WorkerContext,
  connectionKey: string,
  opened: OpenConnection,
  location: string,
): Promise<Guarded<void>> {
  const offered = await guarded(context, connectionKey, opened, location, () =>
    opened.client.listOffers(location),
  );
  if (!('answer' in offered)) return offered;
  const images = await guarded(context, connectionKey, opened, location, () =>
    opened.client.listImages(location),
  );
  if (!('answer' in images)) return images;
  await replaceOffers(context.store, connectionKey, location, { ...offered.answer, images: images.answer });
  return { answer: undefined };
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
    if (error.code !== 'Throttled') return { failed: true };
    await slowDown(context.store, place, 'list', error.retryAfterMs);
    return { waitMs: error.retryAfterMs ?? 2_000 };
  }
}
