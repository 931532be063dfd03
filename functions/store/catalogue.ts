import { BatchGetCommand, BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import pLimit from 'p-limit';
import {
  type Image,
  type InstanceType,
  imageSchema,
  instanceTypeSchema,
  type Location,
  locationSchema,
  type Offer,
  offerSchema,
} from '../model/cloud.ts';
import type { Store } from './client.ts';
import { type Page, type PageRequest, queryAll, queryPage } from './listing.ts';

/** What a connection may use, as its cloud told at the last inventory sync. One partition for each connection. */
const partition = (connectionKey: string): string => `CATALOGUE#${connectionKey}`;

const locationSk = (name: string): string => `LOCATION#${name}`;
const typeSk = (name: string): string => `TYPE#${name}`;
const offerSk = ({
  location,
  zone,
  instanceType,
}: Pick<Offer, 'location' | 'zone' | 'instanceType'>): string =>
  `OFFER#${location}#${zone ?? ''}#${instanceType}`;
const imageSk = ({ location, name }: Pick<Image, 'location' | 'name'>): string =>
  `IMAGE#${location ?? ''}#${name}`;

const parseLocation = (item: unknown): Location => locationSchema.parse(item);
const parseType = (item: unknown): InstanceType => instanceTypeSchema.parse(item);
const parseOffer = (item: unknown): Offer => offerSchema.parse(item);
const parseImage = (item: unknown): Image => imageSchema.parse(item);

/** How a sync changed the catalogue. */
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

/** What one location offers. Types are added and changed, never taken away: other locations may have them. */
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

/** Writes what changed, and marks what the cloud no longer tells of as unavailable: it may come back. */
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

async function writeAll(store: Store<'catalogue'>, items: readonly Record<string, unknown>[]): Promise<void> {
  const table = store.tables.catalogue;
  const batches = Array.from({ length: Math.ceil(items.length / 25) }, (_, at) =>
    items.slice(at * 25, at * 25 + 25),
  );
  const limit = pLimit(4);
  await Promise.all(
    batches.map((batch) =>
      limit(async () => {
        let rest: Record<string, unknown>[] = batch.map((Item) => ({ PutRequest: { Item } }));
        for (let attempt = 0; rest.length > 0; attempt += 1) {
          if (attempt > 0)
            await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** Math.min(attempt, 6)));
          const { UnprocessedItems } = await store.document.send(
            new BatchWriteCommand({ RequestItems: { [table]: rest } }),
          );
          rest = UnprocessedItems?.[table]?.map((request) => ({ ...request })) ?? [];
        }
      }),
    ),
  );
}

/** Locations by name; unknown ones are missing. */
export async function readLocations(
  store: Store<'catalogue'>,
  connectionKey: string,
  names: readonly string[],
): Promise<Map<string, Location>> {
  const found = await readExact(store, connectionKey, names.map(locationSk), parseLocation);
  return new Map(found.map((location) => [location.name, location]));
}

export async function readInstanceTypes(
  store: Store<'catalogue'>,
  connectionKey: string,
  names: readonly string[],
): Promise<Map<string, InstanceType>> {
  const found = await readExact(store, connectionKey, names.map(typeSk), parseType);
  return new Map(found.map((type) => [type.name, type]));
}

/** Offers of a type at locations; with a zone, that zone's offer as well as the whole location's. */
export async function readOffers(
  store: Store<'catalogue'>,
  connectionKey: string,
  wanted: readonly Pick<Offer, 'location' | 'zone' | 'instanceType'>[],
): Promise<Offer[]> {
  const keys = wanted.flatMap(({ location, zone, instanceType }) => [
    offerSk({ location, instanceType }),
    ...(zone === undefined ? [] : [offerSk({ location, zone, instanceType })]),
  ]);
  return await readExact(store, connectionKey, keys, parseOffer);
}

/** Images by name at locations, those that are the same everywhere included. */
export async function readImages(
  store: Store<'catalogue'>,
  connectionKey: string,
  wanted: readonly { location: string; name: string }[],
): Promise<Image[]> {
  const keys = wanted.flatMap(({ location, name }) => [imageSk({ location, name }), imageSk({ name })]);
  return await readExact(store, connectionKey, keys, parseImage);
}

async function readExact<Item>(
  store: Store<'catalogue'>,
  connectionKey: string,
  sks: readonly string[],
  parse: (item: unknown) => Item,
): Promise<Item[]> {
  const pk = partition(connectionKey);
  const table = store.tables.catalogue;
  const unique = [...new Set(sks)];
  const batches = Array.from({ length: Math.ceil(unique.length / 100) }, (_, at) =>
    unique.slice(at * 100, at * 100 + 100),
  );
  const limit = pLimit(8);
  const found = await Promise.all(
    batches.map((batch) =>
      limit(async () => {
        const items: Item[] = [];
        let keys: Record<string, unknown>[] = batch.map((sk) => ({ pk, sk }));
        while (keys.length > 0) {
          const { Responses, UnprocessedKeys } = await store.document.send(
            new BatchGetCommand({ RequestItems: { [table]: { Keys: keys } } }),
          );
          items.push(...(Responses?.[table] ?? []).map(parse));
          keys = UnprocessedKeys?.[table]?.Keys ?? [];
        }
        return items;
      }),
    ),
  );
  return found.flat();
}

export async function listLocations(
  store: Store<'catalogue'>,
  connectionKey: string,
  page: PageRequest,
): Promise<Page<Location>> {
  return await list(store, connectionKey, 'LOCATION#', page, parseLocation);
}

/** Every location of a connection: as many as a cloud has regions. */
export async function allLocations(store: Store<'catalogue'>, connectionKey: string): Promise<Location[]> {
  const keys = { pk: partition(connectionKey), prefix: 'LOCATION#' };
  return await queryAll(store, store.tables.catalogue, keys, parseLocation);
}

export async function listInstanceTypes(
  store: Store<'catalogue'>,
  connectionKey: string,
  page: PageRequest,
): Promise<Page<InstanceType>> {
  return await list(store, connectionKey, 'TYPE#', page, parseType);
}

export async function listOffers(
  store: Store<'catalogue'>,
  connectionKey: string,
  { location, ...page }: PageRequest & { location?: string | undefined },
): Promise<Page<Offer>> {
  const prefix = location === undefined ? 'OFFER#' : `OFFER#${location}#`;
  return await list(store, connectionKey, prefix, page, parseOffer);
}

export async function listImages(
  store: Store<'catalogue'>,
  connectionKey: string,
  { location, ...page }: PageRequest & { location?: string | undefined },
): Promise<Page<Image>> {
  const prefix = location === undefined ? 'IMAGE#' : `IMAGE#${location}#`;
  return await list(store, connectionKey, prefix, page, parseImage);
}

async function list<Item>(
  store: Store<'catalogue'>,
  connectionKey: string,
  prefix: string,
  page: PageRequest,
  parse: (item: unknown) => Item,
): Promise<Page<Item>> {
  const keys = { pk: partition(connectionKey), prefix };
  return await queryPage(store, store.tables.catalogue, keys, page, parse);
}
