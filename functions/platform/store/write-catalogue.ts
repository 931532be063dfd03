import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import pLimit from 'p-limit';
import * as z from 'zod';
import type { Image, InstanceType, Location, Offer } from '../../model/cloud.ts';
import {
  imageSk,
  locationSk,
  offerSk,
  parseImage,
  parseLocation,
  parseOffer,
  parseType,
  partition,
  typeSk,
} from './catalogue-keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/** Counts of what a sync changed in the catalogue. */
export interface SyncCounts {
  written: number;
  vanished: number;
}

export async function replaceLocations(
  store: Store<'catalogue'>,
  connectionKey: string,
  locations: readonly Location[],
): Promise<SyncCounts> {
  return await replacePart(store, connectionKey, 'LOCATION#', locations, parseLocation, ({ name }) =>
    locationSk(name),
  );
}

/** Writes one location, for example after the cloud has denied it. */
export async function putLocation(
  store: Store<'catalogue'>,
  connectionKey: string,
  location: Location,
): Promise<void> {
  await writeAll(store, [{ pk: partition(connectionKey), sk: locationSk(location.name), ...location }]);
}

/**
 * Writes the offers, images and instance types that a cloud lists for one location. Instance types that are missing in
 * the list are left as they are, because other locations may offer them.
 */
export async function replaceOffers(
  store: Store<'catalogue'>,
  connectionKey: string,
  location: string,
  { instanceTypes, offers, images }: { instanceTypes: InstanceType[]; offers: Offer[]; images: Image[] },
): Promise<SyncCounts> {
  const parts = await Promise.all([
    replacePart(store, connectionKey, `OFFER#${location}#`, offers, parseOffer, offerSk),
    replacePart(store, connectionKey, `IMAGE#${location}#`, images, parseImage, imageSk),
    replacePart(store, connectionKey, 'TYPE#', instanceTypes, parseType, ({ name }) => typeSk(name)),
  ]);
  return {
    written: parts.reduce((sum, part) => sum + part.written, 0),
    vanished: parts.reduce((sum, part) => sum + part.vanished, 0),
  };
}

/**
 * Writes the items that have changed. Items that the cloud no longer lists stay and become unavailable, because the
 * cloud may list them again.
 */
async function replacePart<Item extends object>(
  store: Store<'catalogue'>,
  connectionKey: string,
  prefix: string,
  fresh: readonly Item[],
  parse: (item: unknown) => Item,
  skOf: (item: Item) => string,
): Promise<SyncCounts> {
  const pk = partition(connectionKey);
  const stored = await queryAll(store, store.tables.catalogue, { pk, prefix }, parse);
  const known = new Map(stored.map((item) => [skOf(item), item]));
  const freshSks = new Set(fresh.map(skOf));
  const changed = fresh.filter((item) => !sameItem(item, known.get(skOf(item))));
  const vanished = stored.filter(
    (item) => 'available' in item && item.available === true && !freshSks.has(skOf(item)),
  );
  await writeAll(
    store,
    [...changed, ...vanished.map((item) => ({ ...item, available: false }))].map((item) => ({
      pk,
      sk: skOf(item),
      ...item,
    })),
  );
  return { written: changed.length, vanished: vanished.length };
}

function sameItem(a: object, b: object | undefined): boolean {
  if (b === undefined) return false;
  const canonical = (item: object) =>
    JSON.stringify(
      Object.entries(item).toSorted(([x], [y]) => (x < y ? -1 : 1)),
      sortedKeys,
    );
  return canonical(a) === canonical(b);
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([x], [y]) => (x < y ? -1 : 1)));
}

/** Removes a connection's whole catalogue. After an interruption, the caller can repeat the call. */
export async function clearCatalogue(store: Store<'catalogue'>, connectionKey: string): Promise<void> {
  const pk = partition(connectionKey);
  const keySchema = z.object({ pk: z.string(), sk: z.string() });
  const all = { pk, prefix: '', consistent: true };
  const keys = await queryAll(store, store.tables.catalogue, all, (item) => keySchema.parse(item));
  await batchWrite(
    store,
    keys.map((Key) => ({ DeleteRequest: { Key } })),
  );
}

async function writeAll(store: Store<'catalogue'>, items: readonly Record<string, unknown>[]): Promise<void> {
  await batchWrite(
    store,
    items.map((Item) => ({ PutRequest: { Item } })),
  );
}

async function batchWrite(
  store: Store<'catalogue'>,
  requests: readonly Record<string, unknown>[],
): Promise<void> {
  const table = store.tables.catalogue;
  const batches = Array.from({ length: Math.ceil(requests.length / 25) }, (_, at) =>
    requests.slice(at * 25, at * 25 + 25),
  );
  const limit = pLimit(4);
  await Promise.all(
    batches.map((batch) =>
      limit(async () => {
        let rest: Record<string, unknown>[] = batch;
        for (let attempt = 0; rest.length > 0; attempt += 1) {
          if (attempt > 0) await store.clock.sleep(50 * 2 ** Math.min(attempt, 6));
          const { UnprocessedItems } = await store.document.send(
            new BatchWriteCommand({ RequestItems: { [table]: rest } }),
          );
          rest = UnprocessedItems?.[table]?.map((request) => ({ ...request })) ?? [];
        }
      }),
    ),
  );
}
