import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import pLimit from 'p-limit';
import * as z from 'zod';
import type { Image, InstanceType, Location, Offer } from '../../model/cloud.ts';
import type { LocationRights } from '../../model/location-rights.ts';
import {
  imageSk,
  locationSk,
  offerSk,
  parseImage,
  parseLocation,
  parseOffer,
  parseRights,
  parseType,
  partition,
  RIGHTS_PREFIX,
  rightsSk,
  typeSk,
} from './catalogue-keys.ts';
import { type Page, type PageRequest, queryAll, queryPage } from './listing.ts';
import type { Store } from './store.ts';

/** Exact names to look up in a connection's catalogue. */
export interface CatalogueNames {
  locations: readonly string[];
  instanceTypes: readonly string[];
  /** If a zone is given, both the offer for the zone and the offer for the whole location are read. */
  offers: readonly Pick<Offer, 'location' | 'zone' | 'instanceType'>[];
  /** For each name, the image that is valid at all locations is read as well, if there is one. */
  images: readonly { location: string; name: string }[];
}

/** The catalogue entries that were found. Names without an entry are left out. */
export interface CatalogueEntries {
  locations: Map<string, Location>;
  instanceTypes: Map<string, InstanceType>;
  offers: Offer[];
  images: Image[];
  /** The rights of the connection at each location that a verification has checked, by location. */
  rights: Map<string, LocationRights>;
}

const KEYS_PER_REQUEST = 100;
const sortKeySchema = z.object({ sk: z.string() });

/**
 * Looks up all names, in requests of at most a hundred different keys each. A name that is given twice is read once.
 */
export async function readCatalogue(
  store: Store<'catalogue'>,
  connectionKey: string,
  { locations, instanceTypes, offers, images }: CatalogueNames,
): Promise<CatalogueEntries> {
  const items = await readExact(store, connectionKey, [
    ...locations.flatMap((name) => [locationSk(name), rightsSk(name)]),
    ...instanceTypes.map(typeSk),
    ...offers.flatMap(({ location, zone, instanceType }) => [
      offerSk({ location, instanceType }),
      ...(zone === undefined ? [] : [offerSk({ location, zone, instanceType })]),
    ]),
    ...images.flatMap(({ location, name }) => [imageSk({ location, name }), imageSk({ name })]),
  ]);
  const of = <Item>(prefix: string, parse: (item: unknown) => Item): Item[] =>
    items.flatMap((item) => (sortKeySchema.parse(item).sk.startsWith(prefix) ? [parse(item)] : []));
  return {
    locations: new Map(of('LOCATION#', parseLocation).map((location) => [location.name, location])),
    instanceTypes: new Map(of('TYPE#', parseType).map((type) => [type.name, type])),
    offers: of('OFFER#', parseOffer),
    images: of('IMAGE#', parseImage),
    rights: new Map(of(RIGHTS_PREFIX, parseRights).map((rights) => [rights.location, rights])),
  };
}

async function readExact(
  store: Store<'catalogue'>,
  connectionKey: string,
  sks: readonly string[],
): Promise<unknown[]> {
  const pk = partition(connectionKey);
  const table = store.tables.catalogue;
  const unique = [...new Set(sks)];
  const batches = Array.from({ length: Math.ceil(unique.length / KEYS_PER_REQUEST) }, (_, at) =>
    unique.slice(at * KEYS_PER_REQUEST, (at + 1) * KEYS_PER_REQUEST),
  );
  const limit = pLimit(8);
  const found = await Promise.all(
    batches.map((batch) =>
      limit(async () => {
        const items: unknown[] = [];
        let keys: Record<string, unknown>[] = batch.map((sk) => ({ pk, sk }));
        while (keys.length > 0) {
          const { Responses, UnprocessedKeys } = await store.document.send(
            new BatchGetCommand({ RequestItems: { [table]: { Keys: keys } } }),
          );
          items.push(...(Responses?.[table] ?? []));
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

/** Lists all locations of a connection without paging, because a cloud has few regions. */
export async function allLocations(
  store: Store<'catalogue'>,
  connectionKey: string,
  consistent = false,
): Promise<Location[]> {
  const keys = { pk: partition(connectionKey), prefix: 'LOCATION#', consistent };
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
