import { BatchGetCommand, DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { MAX_QUOTAS, type Quota, type QuotaReading, quotaReadingSchema } from '../../model/quota.ts';
import { isoTime } from '../runtime/clock.ts';
import { partition } from './catalogue-keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/**
 * One item for each location of a connection, in the partition of the connection's catalogue. What clears the catalogue
 * clears these items, too.
 */
const PREFIX = 'QUOTAS#';
const KEYS_PER_REQUEST = 100;

const keyOf = (connectionKey: string, location: string) => ({
  pk: partition(connectionKey),
  sk: `${PREFIX}${location}`,
});
const parse = (item: unknown): QuotaReading => quotaReadingSchema.parse(item);

/** Replaces what is known of the quotas at a location. Keeps at most MAX_QUOTAS of them. */
export async function putQuotas(
  store: Store<'catalogue'>,
  connectionKey: string,
  location: string,
  quotas: readonly Quota[],
): Promise<void> {
  const reading: QuotaReading = {
    location,
    readAt: isoTime(store.clock.now()),
    quotas: quotas.slice(0, MAX_QUOTAS),
  };
  const Item = { ...keyOf(connectionKey, location), ...reading };
  await store.document.send(new PutCommand({ TableName: store.tables.catalogue, Item }));
}

/** Notes that the quotas at a location could not be read. The quotas that were read before stay, with their time. */
export async function noteQuotaFailure(
  store: Store<'catalogue'>,
  connectionKey: string,
  location: string,
  { code, message }: { code: string; message: string },
): Promise<void> {
  await store.document.send(
    new UpdateCommand({
      TableName: store.tables.catalogue,
      Key: keyOf(connectionKey, location),
      UpdateExpression:
        'SET #location = :location, failure = :failure, quotas = if_not_exists(quotas, :none)',
      ExpressionAttributeNames: { '#location': 'location' },
      ExpressionAttributeValues: {
        ':location': location,
        ':failure': { code, message, at: isoTime(store.clock.now()) },
        ':none': [],
      },
    }),
  );
}

/** Forgets the quotas at a location that the cloud no longer has. */
export async function removeQuotas(
  store: Store<'catalogue'>,
  connectionKey: string,
  location: string,
): Promise<void> {
  const Key = keyOf(connectionKey, location);
  await store.document.send(new DeleteCommand({ TableName: store.tables.catalogue, Key }));
}

/** Lists what is known of the quotas of a connection, sorted by location. */
export async function listQuotas(store: Store<'catalogue'>, connectionKey: string): Promise<QuotaReading[]> {
  const keys = { pk: partition(connectionKey), prefix: PREFIX };
  return await queryAll(store, store.tables.catalogue, keys, parse);
}

/** Reads what is known of the quotas at these locations. Locations of which nothing is known are absent. */
export async function readQuotasAt(
  store: Store<'catalogue'>,
  connectionKey: string,
  locations: readonly string[],
): Promise<QuotaReading[]> {
  const table = store.tables.catalogue;
  const wanted = [...new Set(locations)].map((location) => keyOf(connectionKey, location));
  const found: QuotaReading[] = [];
  while (wanted.length > 0) {
    const Keys = wanted.splice(0, KEYS_PER_REQUEST);
    const { Responses, UnprocessedKeys } = await store.document.send(
      new BatchGetCommand({ RequestItems: { [table]: { Keys } } }),
    );
    found.push(...(Responses?.[table] ?? []).map(parse));
    for (const { pk, sk } of UnprocessedKeys?.[table]?.Keys ?? [])
      wanted.push({ pk: String(pk), sk: String(sk) });
  }
  return found;
}
