import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { inboundRuleSchema } from '../../model/inbound-rule.ts';
import type { PlacementRef } from './counters.ts';
import { type Key, networkKey, networkPartition, placementKey, siteName } from './keys.ts';
import type { Store } from './store.ts';
import { stuckItemSchema } from './stuck.ts';
import { transactWrite } from './transact.ts';

export const networkKindSchema = z.enum(['network', 'security-group', 'key-pair']);
export type NetworkKind = z.infer<typeof networkKindSchema>;

/**
 * Record of a network resource of one fleet at one site. It is written before the cloud is called, and becomes Gone
 * only when the cloud shows that the resource no longer exists. A Gone record is kept for 90 days: if a slow call
 * creates the resource later, the record proves that the resource belongs to this deployment.
 */
export const networkItemSchema = z.object({
  fleetId: z.string(),
  connectionKey: z.string(),
  location: z.string(),
  kind: networkKindSchema,
  name: z.string(),
  status: z.enum(['Creating', 'Ready', 'Deleting']),
  /** Time at which calls for this resource began to fail; 0: the last call succeeded. */
  failingSinceMs: z.number(),
  /** The failed tries to create or remove the resource, since the last success. */
  stuck: stuckItemSchema.optional(),
  /** End of the claim of the worker that works on the resource; 0: no worker has a claim. */
  claimUntilMs: z.number(),
  backendId: z.string().optional(),
  subnetBackendId: z.string().optional(),
  /**
   * For a network: the zones in which its machines can be created, with the network's subnet in each. Absent: the cloud
   * chooses the zones.
   */
  zones: z.array(z.object({ zone: z.string(), subnetBackendId: z.string().optional() })).optional(),
  /** For a key pair: the user's own public key. Absent: the key that the deployment has made for the fleet. */
  publicKey: z.string().optional(),
  /** For a security group: the inbound traffic that it allows. */
  rules: z.array(inboundRuleSchema).optional(),
  /**
   * For a security group without rules: the node group whose machines it marks, as the source of rules of the fleet's
   * other security groups.
   */
  nodeGroup: z.string().optional(),
  /** The CIDR that SSH is allowed from: the only rule of a security group whose record has no `rules`. */
  sshFrom: z.string().optional(),
  /** Node groups whose instances need the resource. */
  neededBy: z.array(z.string()),
  /** Time at which the resource last became Ready: the cloud has made it, or has shown that it stands. */
  checkedAtMs: z.number().optional(),
  createdAt: z.string().optional(),
});
export type NetworkItem = z.infer<typeof networkItemSchema>;
const networkRecordSchema = networkItemSchema.extend({
  status: z.enum([...networkItemSchema.shape.status.options, 'Gone']),
});
/** The record of a network resource, which may be Gone. */
export type NetworkRecord = z.infer<typeof networkRecordSchema>;

const MEMBERSHIP = 'membership';
/**
 * The shared network resources that a fleet uses at a site. Each of them counts the fleet among its users. The record
 * changes in the same transaction as these counts.
 */
export const membershipSchema = z.object({
  kind: z.literal(MEMBERSHIP),
  fleetId: z.string(),
  connectionKey: z.string(),
  location: z.string(),
  version: z.number(),
  resources: z.array(
    z.object({
      identity: z.string(),
      kind: networkKindSchema,
      name: z.string(),
      /** Node groups of the fleet whose instances need the resource. */
      neededBy: z.array(z.string()),
    }),
  ),
  /** Time at which a quota began to refuse a resource that the fleet needs; 0: no quota refuses one. */
  failingSinceMs: z.number(),
  /** The failed tries of a resource that a quota refuses. */
  stuck: stuckItemSchema.optional(),
  /** The resource that the quota refuses. */
  waitsFor: z.object({ kind: networkKindSchema, name: z.string() }).optional(),
});
export type Membership = z.infer<typeof membershipSchema>;

/** Time for which the record of a removed resource is kept. */
export const GONE_KEPT_SECONDS = 90 * 86_400;

/**
 * Reads the network resources of a fleet with strongly consistent reads, at one site or at all of its sites. Leaves out
 * resources that are Gone.
 */
export async function readNetworks(
  store: Store<'fleets'>,
  of: { fleetId: string } & Partial<PlacementRef>,
): Promise<NetworkItem[]> {
  const records = await readNetworkRecords(store, of);
  return records.flatMap(({ status, ...item }) => (status === 'Gone' ? [] : [{ ...item, status }]));
}

/** Reads network resources as `readNetworks` does, including resources that are Gone. */
export async function readNetworkRecords(
  store: Store<'fleets'>,
  of: { fleetId: string } & Partial<PlacementRef>,
): Promise<NetworkRecord[]> {
  return (await readNetworkPartition(store, of)).records;
}

/**
 * Reads the records of a fleet's own network resources, including those that are Gone, and its memberships in shared
 * ones, with strongly consistent reads, at one site or at all of its sites.
 */
export async function readNetworkPartition(
  store: Store<'fleets'>,
  { fleetId, connectionKey, location }: { fleetId: string } & Partial<PlacementRef>,
): Promise<{ records: NetworkRecord[]; memberships: Membership[] }> {
  const atSite = connectionKey !== undefined && location !== undefined;
  const items: Record<string, unknown>[] = [];
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
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start);
  const isMembership = ({ kind }: Record<string, unknown>) => kind === MEMBERSHIP;
  return {
    records: z.array(networkRecordSchema).parse(items.filter((item) => !isMembership(item))),
    memberships: z.array(membershipSchema).parse(items.filter(isMembership)),
  };
}

/**
 * Writes the record of a resource before it is created, if launching is on at the placement.
 *
 * @returns `written`; `exists` if there is a record already; `stopped` if launching is not on
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
 * Claims a resource until `untilMs` and sets its status. The claim fails if another worker has claimed the resource
 * after the caller read `item`.
 *
 * @param closedOnly true: the claim also fails if launching is on at the placement
 * @returns whether the caller has the claim
 */
export async function claimNetwork(
  store: Store<'fleets'>,
  item: NetworkItem,
  status: NetworkItem['status'],
  untilMs: number,
  closedOnly = false,
): Promise<boolean> {
  const fields = { status, claimUntilMs: untilMs };
  if (!closedOnly) return await updateRecord(store, keyOf(item), item, fields);
  const refusals = await transactWrite(store, [
    {
      ConditionCheck: {
        TableName: store.tables.fleets,
        Key: placementKey(item.fleetId, item.connectionKey, item.location),
        ConditionExpression: 'launching <> :on',
        ExpressionAttributeValues: { ':on': 'on' },
      },
    },
    { Update: updateOf(store, keyOf(item), item, fields) },
  ]);
  return refusals.length === 0;
}

/** Records the cloud's answer, and ends the claim. @returns false if another worker has taken over the claim */
export async function recordNetwork(
  store: Store<'fleets'>,
  item: NetworkItem,
  fields: Partial<
    Pick<
      NetworkItem,
      'status' | 'backendId' | 'subnetBackendId' | 'zones' | 'failingSinceMs' | 'stuck' | 'checkedAtMs'
    >
  >,
): Promise<boolean> {
  return await updateRecord(store, keyOf(item), item, { ...fields, claimUntilMs: 0 });
}

/** The fields of a record that a write depends on. */
type Seen = Pick<NetworkItem, 'name' | 'claimUntilMs'>;

/** Sets fields of a record. @returns false if the record is of another resource now, or another worker has claimed it */
export async function updateRecord(
  store: Store<'fleets'>,
  key: Key,
  seen: Seen,
  fields: Record<string, unknown>,
): Promise<boolean> {
  try {
    await store.document.send(new UpdateCommand(updateOf(store, key, seen, fields)));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

function updateOf(store: Store<'fleets'>, key: Key, seen: Seen, fields: Record<string, unknown>) {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  const remove = fields['status'] === 'Ready' ? ' REMOVE stuck' : '';
  return {
    TableName: store.tables.fleets,
    Key: key,
    UpdateExpression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}${remove}`,
    ConditionExpression: '#claimUntilMs = :expected AND #name = :sameName',
    ExpressionAttributeNames: Object.fromEntries(
      [...set, ['claimUntilMs'], ['name']].map(([name]) => [`#${name}`, String(name)]),
    ),
    ExpressionAttributeValues: {
      ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
      ':expected': seen.claimUntilMs,
      ':sameName': seen.name,
    },
  };
}

/**
 * Reopens the Gone record of a resource that may exist at the cloud after all. Does nothing if launching has ended at
 * the placement. The record becomes Creating. The next launch that needs the resource, or the next attempt to remove
 * it, then looks it up at the cloud by name.
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

/** Sets the status Gone, after the cloud has shown that the resource no longer exists. Repeating this is harmless. */
export async function closeNetwork(store: Store<'fleets'>, item: NetworkItem): Promise<void> {
  const { backendId: _id, subnetBackendId: _subnet, zones: _zones, stuck: _stuck, ...kept } = item;
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
