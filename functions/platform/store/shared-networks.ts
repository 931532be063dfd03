import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { parseConnectionKey } from '../../model/identifiers.ts';
import { releaseOf } from './address-ranges.ts';
import { type Key, sharedGoneKey, sharedHeadKey, sharedPartition, sharedRemovingKey } from './keys.ts';
import { queryAll } from './listing.ts';
import { GONE_KEPT_SECONDS, type NetworkKind, networkItemSchema, updateRecord } from './networks.ts';
import type { Store } from './store.ts';
import { type TransactItem, transactWrite } from './transact.ts';

/**
 * Record of a network resource that the fleets of one namespace share on one connection at one location. It is written before the cloud
 * is called.
 *
 * Creating and Ready: fleets may join. There is at most one such record of each identity, the head. Deleting: the
 * resource had no user, and is being removed. No fleet joins it. A fleet that needs such a resource makes a new head,
 * which has another name.
 */
const sharedItemSchema = networkItemSchema.omit({ fleetId: true, neededBy: true }).extend({
  /** What the resource is for: `network`, or the kind and a hash of the rules or of the public key. */
  identity: z.string(),
  /** The namespace whose fleets share the resource. Absent: that of the connection. */
  namespace: z.string().optional(),
  /** Number of fleets whose membership names the resource. */
  users: z.int().nonnegative(),
  /** Number of times that a fleet joined. It never falls, so that a removal notices a fleet that has come and gone. */
  joins: z.int().nonnegative(),
  /** Time at which the latest user left. With no user: the time since which the resource is unused. */
  leftAtMs: z.number(),
  /** For a network: its address range. */
  cidr: z.string().optional(),
  /** For a security group: the name of the network that it is in. */
  networkName: z.string().optional(),
  /** For a key pair: the key, in OpenSSH format. */
  publicKey: z.string().optional(),
});
export type SharedItem = z.infer<typeof sharedItemSchema>;

/** Record of a removed shared resource. It proves for 90 days that the resource was this deployment's. */
const goneItemSchema = z.object({ kind: networkItemSchema.shape.kind, name: z.string() });

type Site = { connectionKey: string; location: string };

/**
 * Reads the shared network resources of a connection, at one location or at all, with strongly consistent reads.
 * Includes those that are being removed.
 */
export async function readShared(
  store: Store<'fleets'>,
  { connectionKey, location }: { connectionKey: string; location?: string },
): Promise<SharedItem[]> {
  const keys = {
    pk: sharedPartition(connectionKey),
    prefix: location === undefined ? '' : `${location}#`,
    consistent: true,
  };
  return await queryAll(store, store.tables.fleets, keys, (item) => sharedItemSchema.parse(item));
}

/** Returns the namespace whose fleets share a resource. */
export const namespaceOf = ({
  namespace,
  connectionKey,
}: Pick<SharedItem, 'namespace' | 'connectionKey'>): string =>
  namespace ?? parseConnectionKey(connectionKey).namespace;

/** Returns true if fleets may join the resource. */
export const isHead = ({ status }: Pick<SharedItem, 'status'>): boolean => status !== 'Deleting';

export function sharedKey({
  connectionKey,
  location,
  identity,
  kind,
  name,
  status,
}: Pick<SharedItem, keyof Site | 'identity' | 'kind' | 'name' | 'status'>): Key {
  return status === 'Deleting'
    ? sharedRemovingKey(connectionKey, location, kind, name)
    : sharedHeadKey(connectionKey, location, identity);
}

/** Claims a resource until `untilMs`. @returns false if another worker has claimed or moved it after the caller's read */
export async function claimShared(
  store: Store<'fleets'>,
  item: SharedItem,
  untilMs: number,
): Promise<boolean> {
  return await updateRecord(store, sharedKey(item), item, { claimUntilMs: untilMs });
}

/** Records the cloud's answer, and ends the claim. @returns false if the claim was lost */
export async function recordShared(
  store: Store<'fleets'>,
  item: SharedItem,
  fields: Partial<
    Pick<
      SharedItem,
      'status' | 'backendId' | 'subnetBackendId' | 'zones' | 'failingSinceMs' | 'stuck' | 'checkedAtMs'
    >
  >,
): Promise<boolean> {
  return await updateRecord(store, sharedKey(item), item, { ...fields, claimUntilMs: 0 });
}

/**
 * Takes an unused resource out of use: from now on, no fleet can join it. Nothing is written if a fleet has joined since
 * the caller's read, even if it has left again, or if a worker has claimed the resource.
 *
 * @returns the record of the removal; undefined if nothing was written
 */
export async function withdraw(store: Store<'fleets'>, head: SharedItem): Promise<SharedItem | undefined> {
  const removing: SharedItem = { ...head, status: 'Deleting', claimUntilMs: 0, failingSinceMs: 0 };
  delete removing.stuck;
  const refusals = await transactWrite(store, [
    {
      Delete: {
        TableName: store.tables.fleets,
        Key: sharedKey(head),
        ConditionExpression: '#name = :name AND #users = :none AND joins = :joins AND claimUntilMs = :claim',
        ExpressionAttributeNames: { '#name': 'name', '#users': 'users' },
        ExpressionAttributeValues: {
          ':name': head.name,
          ':none': 0,
          ':joins': head.joins,
          ':claim': head.claimUntilMs,
        },
      },
    },
    { Put: { TableName: store.tables.fleets, Item: { ...sharedKey(removing), ...removing } } },
  ]);
  return refusals.length === 0 ? removing : undefined;
}

const CLOSING_TRIES = 10;

/**
 * Closes the record of a removal, after the cloud has shown that the resource no longer exists. The network's address
 * range becomes free in the same transaction. Repeating this is harmless.
 */
export async function closeShared(store: Store<'fleets'>, item: SharedItem): Promise<void> {
  const { connectionKey, location, kind, name, identity, cidr } = item;
  const namespace = namespaceOf(item);
  const expiresAt = Math.floor(store.clock.now() / 1_000) + GONE_KEPT_SECONDS;
  for (let attempt = 1; attempt <= CLOSING_TRIES; attempt += 1) {
    const release = cidr === undefined ? undefined : await releaseOf(store, namespace, { cidr, name });
    const writes: TransactItem[] = [
      { Delete: { TableName: store.tables.fleets, Key: sharedKey(item) } },
      {
        Put: {
          TableName: store.tables.fleets,
          Item: { ...sharedGoneKey(connectionKey, location, kind, name), kind, name, identity, expiresAt },
        },
      },
      ...(release ? [release] : []),
    ];
    if ((await transactWrite(store, writes)).length === 0) return;
    await store.clock.sleep(store.random() * 100 * attempt);
  }
  throw new Error(
    `the address range ${cidr} of ${name} could not be given back: other workers keep changing it`,
  );
}

/** Returns true if a shared resource of this name was removed in the last 90 days. */
export async function wasShared(
  store: Store<'fleets'>,
  { connectionKey, location }: Site,
  kind: NetworkKind,
  name: string,
): Promise<boolean> {
  const { Item } = await store.document.send(
    new GetCommand({
      TableName: store.tables.fleets,
      Key: sharedGoneKey(connectionKey, location, kind, name),
      ConsistentRead: true,
    }),
  );
  return Item !== undefined && goneItemSchema.safeParse(Item).success;
}
