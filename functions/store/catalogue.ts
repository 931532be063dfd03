import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import pLimit from 'p-limit';
import type { Image, InstanceType, Location, Offer } from '../model/cloud.ts';
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
import type { Store } from './client.ts';
import { type Page, type PageRequest, queryAll, queryPage } from './listing.ts';

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
