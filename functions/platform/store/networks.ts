import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { PlacementRef } from './counters.ts';
import { networkKey, networkPartition, placementKey, siteName } from './keys.ts';
import type { Store } from './store.ts';
import { transactWrite } from './transact.ts';

export const networkKindSchema = z.enum(['network', 'security-group', 'key-pair']);
export type NetworkKind = z.infer<typeof networkKindSchema>;

/**
 * A network resource of one fleet at one site. The record is there before the cloud is asked for it, and is Gone only
 * when the cloud says that the resource is. It is kept for a while: what shows up under its name later, by a call that
 * took its time, is proven ours by it.
 */
const networkItemSchema = z.object({
  fleetId: z.string(),
  connectionKey: z.string(),
  location: z.string(),
  kind: networkKindSchema,
  name: z.string(),
  status: z.enum(['Creating', 'Ready', 'Deleting']),
  /** Since when the cloud could not be reached for it; 0 when it could, at the last try. */
  failingSinceMs: z.number(),
  /** Until then, one worker has it in hand. */
  claimUntilMs: z.number(),
  backendId: z.string().optional(),
  subnetBackendId: z.string().optional(),
  /** Of a security group: the CIDR that SSH is let in from. */
  sshFrom: z.string().optional(),
  /** Node groups whose instances need it. */
  neededBy: z.array(z.string()),
  createdAt: z.string().optional(),
});
export type NetworkItem = z.infer<typeof networkItemSchema>;
const networkRecordSchema = networkItemSchema.extend({
  status: z.enum([...networkItemSchema.shape.status.options, 'Gone']),
});
/** What is kept of one, also when it is gone. */
export type NetworkRecord = z.infer<typeof networkRecordSchema>;

/** How long the record of one that is gone is kept. */
const GONE_KEPT_SECONDS = 90 * 86_400;

/** The network resources of a fleet, at one site or at all; read strongly. */
export async function readNetworks(
  store: Store<'fleets'>,
  of: { fleetId: string } & Partial<PlacementRef>,
): Promise<NetworkItem[]> {
  const records = await readNetworkRecords(store, of);
  return records.flatMap(({ status, ...item }) => (status === 'Gone' ? [] : [{ ...item, status }]));
}

/** As `readNetworks`, with those that are gone. */
export async function readNetworkRecords(
  store: Store<'fleets'>,
  { fleetId, connectionKey, location }: { fleetId: string } & Partial<PlacementRef>,
): Promise<NetworkRecord[]> {
  const atSite = connectionKey !== undefined && location !== undefined;
  const items: NetworkRecord[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.document.send(
      new QueryCommand({
        TableName: store.tables.fleets,
        KeyConditionExpression: atSite ? 'pk = :pk AND begins_with(sk, :site)' : 'pk = :pk',
        ExpressionAttributeValues: {
          ':pk': networkPartition(fleetId),
          ...(atSite ? { ':site': `${siteName(connectionKey, location)}#` } : {}),
        },
        ConsistentRead: true,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    items.push(...z.array(networkRecordSchema).parse(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start);
  return items;
}

/**
 * Writes the intent to have a resource, while launching is on at the placement.
 *
 * @returns `written`; `exists` when a record stands already; `stopped` when nothing may begin here any more
 */
export async function intendNetwork(
  store: Store<'fleets'>,
  item: NetworkItem,
): Promise<'written' | 'exists' | 'stopped'> {
  const refusals = await transactWrite(store, [
    {
      ConditionCheck: {
        TableName: store.tables.fleets,
        Key: placementKey(item.fleetId, item.connectionKey, item.location),
        ConditionExpression: 'launching = :on',
        ExpressionAttributeValues: { ':on': 'on' },
      },
    },
    {
      Put: {
        TableName: store.tables.fleets,
        Item: { ...keyOf(item), ...item },
        ConditionExpression: 'attribute_not_exists(pk) OR #status = :gone',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':gone': 'Gone' },
      },
    },
  ]);
  if (refusals.length === 0) return 'written';
  return refusals.some(({ at }) => at === 0) ? 'stopped' : 'exists';
}

/**
 * Takes a resource in hand until `untilMs`, if nobody else has it, and sets its status.
 *
 * @param closedOnly whether only while nothing can begin at its placement
 * @returns whether it is in hand now
 */
export async function claimNetwork(
  store: Store<'fleets'>,
  item: NetworkItem,
  status: NetworkItem['status'],
  untilMs: number,
  closedOnly = false,
): Promise<boolean> {
  const fields = { status, claimUntilMs: untilMs };
  if (!closedOnly) return await update(store, item, fields, item.claimUntilMs);
  const refusals = await transactWrite(store, [
    {
      ConditionCheck: {
        TableName: store.tables.fleets,
        Key: placementKey(item.fleetId, item.connectionKey, item.location),
        ConditionExpression: 'launching <> :on',
        ExpressionAttributeValues: { ':on': 'on' },
      },
    },
    { Update: updateOf(store, item, fields, item.claimUntilMs) },
  ]);
  return refusals.length === 0;
}

/** What the cloud answered; ends the claim that `claimUntilMs` names. */
export async function recordNetwork(
  store: Store<'fleets'>,
  item: NetworkItem,
  fields: Partial<Pick<NetworkItem, 'status' | 'backendId' | 'subnetBackendId' | 'failingSinceMs'>>,
): Promise<boolean> {
  return await update(store, item, { ...fields, claimUntilMs: 0 }, item.claimUntilMs);
}

async function update(
  store: Store<'fleets'>,
  item: NetworkItem,
  fields: Record<string, unknown>,
  expectedClaimMs: number,
): Promise<boolean> {
  try {
    await store.document.send(new UpdateCommand(updateOf(store, item, fields, expectedClaimMs)));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

function updateOf(
  store: Store<'fleets'>,
  item: NetworkItem,
  fields: Record<string, unknown>,
  expectedClaimMs: number,
) {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  return {
    TableName: store.tables.fleets,
    Key: keyOf(item),
    UpdateExpression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    ConditionExpression: '#claimUntilMs = :expected',
    ExpressionAttributeNames: Object.fromEntries(
      [...set, ['claimUntilMs']].map(([name]) => [`#${name}`, String(name)]),
    ),
    ExpressionAttributeValues: {
      ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
      ':expected': expectedClaimMs,
    },
  };
}

/**
 * Opens the record of a resource again that was gone at the cloud and may be there after all, unless its fleet has ended.
 * As one that is being created: the next launch that needs it asks the cloud for it by name, and so does its removal.
 */
export async function reopenNetwork(
  store: Store<'fleets'>,
  item: Pick<NetworkItem, 'fleetId' | 'connectionKey' | 'location' | 'kind' | 'name'>,
): Promise<void> {
  await transactWrite(store, [
    {
      ConditionCheck: {
        TableName: store.tables.fleets,
        Key: placementKey(item.fleetId, item.connectionKey, item.location),
        ConditionExpression: 'attribute_exists(pk) AND launching <> :ended',
        ExpressionAttributeValues: { ':ended': 'ended' },
      },
    },
    {
      Update: {
        TableName: store.tables.fleets,
        Key: keyOf(item),
        UpdateExpression: 'SET #status = :creating REMOVE expiresAt',
        ConditionExpression: '#status = :gone',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':creating': 'Creating', ':gone': 'Gone' },
      },
    },
  ]);
}

/** The cloud says that it is gone. Saying so twice is harmless. */
export async function closeNetwork(store: Store<'fleets'>, item: NetworkItem): Promise<void> {
  const { backendId: _id, subnetBackendId: _subnet, ...kept } = item;
  const expiresAt = Math.floor(store.clock.now() / 1_000) + GONE_KEPT_SECONDS;
  await store.document.send(
    new PutCommand({
      TableName: store.tables.fleets,
      Item: { ...keyOf(item), ...kept, status: 'Gone', claimUntilMs: 0, expiresAt },
    }),
  );
}

function keyOf({
  fleetId,
  connectionKey,
  location,
  kind,
  name,
}: Pick<NetworkItem, 'fleetId' | 'connectionKey' | 'location' | 'kind' | 'name'>) {
  return networkKey(fleetId, connectionKey, location, kind, name);
}
