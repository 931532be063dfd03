import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { LocationRights } from '../../model/location-rights.ts';
import { parseRights, partition, RIGHTS_PREFIX, rightsSk } from './catalogue-keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/** Writes what a verification has found at one location. */
export async function putRights(
  store: Store<'catalogue'>,
  connectionKey: string,
  rights: LocationRights,
): Promise<void> {
  const Item = { pk: partition(connectionKey), sk: rightsSk(rights.location), ...rights };
  await store.document.send(new PutCommand({ TableName: store.tables.catalogue, Item }));
}

/** Reads the rights of a connection at all checked locations, by location. A cloud has few regions. */
export async function allRights(
  store: Store<'catalogue'>,
  connectionKey: string,
  consistent = false,
): Promise<Map<string, LocationRights>> {
  const keys = { pk: partition(connectionKey), prefix: RIGHTS_PREFIX, consistent };
  const items = await queryAll(store, store.tables.catalogue, keys, parseRights);
  return new Map(items.map((item) => [item.location, item]));
}
