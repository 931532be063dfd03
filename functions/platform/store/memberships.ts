import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { PlacementRef } from './counters.ts';
import { membershipKey, placementKey, sharedHeadKey } from './keys.ts';
import { type Membership, membershipSchema } from './networks.ts';
import type { PlacementItem } from './placements.ts';
import { type SharedItem, sharedKey } from './shared-networks.ts';
import type { Store } from './store.ts';
import { type TransactItem, transactWrite } from './transact.ts';

export type MembershipResource = Membership['resources'][number];

export async function readMembership(
  store: Store<'fleets'>,
  { fleetId, connectionKey, location }: PlacementRef,
): Promise<Membership | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({
      TableName: store.tables.fleets,
      Key: membershipKey(fleetId, connectionKey, location),
      ConsistentRead: true,
    }),
  );
  return Item ? membershipSchema.parse(Item) : undefined;
}

/** A resource that a fleet joins: a head that the caller has read, or a new one. */
export interface Joining {
  head: SharedItem;
  isNew: boolean;
  neededBy: string[];
}

/**
 * Makes a fleet a user of shared resources, in one transaction: each of them counts the fleet, or is written as a new
 * head, and the membership names them. Nothing is written if launching is not on at the placement, if the fleet's
 * membership has changed since the caller's read, or if a head is not the one that the caller has read.
 *
 * @param known the membership as the caller has read it
 * @param gate what launching has to be at the placement
 * @param further a write that has to succeed together with the others
 */
export async function joinShared(
  store: Store<'fleets'>,
  ref: PlacementRef,
  known: Membership | undefined,
  joining: readonly Joining[],
  further: readonly TransactItem[],
  gate: 'on' | 'not-ended' = 'on',
): Promise<'joined' | 'stopped' | 'lost'> {
  const TableName = store.tables.fleets;
  const resources = [
    ...(known?.resources ?? []),
    ...joining.map(
      ({ head: { identity, kind, name }, neededBy }): MembershipResource => ({
        identity,
        kind,
        name,
        neededBy,
      }),
    ),
  ];
  const refusals = await transactWrite(store, [
    {
      ConditionCheck: {
        TableName,
        Key: placementKey(ref.fleetId, ref.connectionKey, ref.location),
        ...(gate === 'on' ? LAUNCHING_ON : LAUNCHING_NOT_ENDED),
      },
    },
    putMembership(store, ref, known, resources),
    ...joining.map(({ head, isNew }) => (isNew ? putHead(store, head) : countUser(store, head))),
    ...further,
  ]);
  if (refusals.length === 0) return 'joined';
  return refusals.some(({ at }) => at === 0) ? 'stopped' : 'lost';
}

const LAUNCHING_ON = {
  ConditionExpression: 'launching = :on',
  ExpressionAttributeValues: { ':on': 'on' },
};
const LAUNCHING_NOT_ENDED = {
  ConditionExpression: 'attribute_exists(pk) AND launching <> :ended',
  ExpressionAttributeValues: { ':ended': 'ended' },
};

/**
 * Writes the membership with the next version. The first version is the time in ms: a fleet that has left and joins again
 * gets a version that no worker has read before. So a write that depends on the earlier membership does nothing.
 */
function putMembership(
  store: Store<'fleets'>,
  { fleetId, connectionKey, location }: PlacementRef,
  known: Membership | undefined,
  resources: readonly MembershipResource[],
): TransactItem {
  const item = {
    ...(known ?? { kind: 'membership' as const, fleetId, connectionKey, location, failingSinceMs: 0 }),
    version: known === undefined ? store.clock.now() : known.version + 1,
    resources,
  };
  return {
    Put: {
      TableName: store.tables.fleets,
      Item: { ...membershipKey(fleetId, connectionKey, location), ...item },
      ...unchanged(known),
    },
  };
}

const unchanged = (known: Membership | undefined) =>
  known === undefined
    ? { ConditionExpression: 'attribute_not_exists(pk)' }
    : { ConditionExpression: 'version = :seen', ExpressionAttributeValues: { ':seen': known.version } };

const putHead = (store: Store<'fleets'>, head: SharedItem): TransactItem => ({
  Put: {
    TableName: store.tables.fleets,
    Item: { ...sharedKey(head), ...head, users: 1, joins: 1 },
    ConditionExpression: 'attribute_not_exists(pk)',
  },
});

const countUser = (store: Store<'fleets'>, head: SharedItem): TransactItem => ({
  Update: {
    TableName: store.tables.fleets,
    Key: sharedKey(head),
    UpdateExpression: 'SET #users = #users + :one, joins = joins + :one',
    ConditionExpression: '#name = :name',
    ExpressionAttributeNames: { '#users': 'users', '#name': 'name' },
    ExpressionAttributeValues: { ':one': 1, ':name': head.name },
  },
});

/**
 * Ends a fleet's use of shared resources, in one transaction. Nothing is written if the membership or the placement has
 * changed since the caller's read, or if launching is on at the placement. So no instance can come into being, or come
 * back, between the caller's look at the placement and this write.
 *
 * @returns whether the write took place
 */
export async function leaveShared(
  store: Store<'fleets'>,
  membership: Membership,
  { groups }: Pick<PlacementItem, 'groups'>,
  leaving: readonly MembershipResource[],
): Promise<boolean> {
  const { fleetId, connectionKey, location } = membership;
  const TableName = store.tables.fleets;
  const names = new Set(leaving.map(({ name }) => name));
  const kept = membership.resources.filter(({ name }) => !names.has(name));
  const removed = {
    Delete: { TableName, Key: membershipKey(fleetId, connectionKey, location), ...unchanged(membership) },
  };
  const refusals = await transactWrite(store, [
    {
      ConditionCheck: {
        TableName,
        Key: placementKey(fleetId, connectionKey, location),
        ConditionExpression: 'launching <> :on AND #groups = :groups',
        ExpressionAttributeNames: { '#groups': 'groups' },
        ExpressionAttributeValues: { ':on': 'on', ':groups': groups },
      },
    },
    kept.length > 0 ? putMembership(store, membership, membership, kept) : removed,
    ...leaving.map((resource) => discountUser(store, membership, resource)),
  ]);
  return refusals.length === 0;
}

const discountUser = (
  store: Store<'fleets'>,
  { connectionKey, location }: Pick<Membership, 'connectionKey' | 'location'>,
  { identity, name }: MembershipResource,
): TransactItem => ({
  Update: {
    TableName: store.tables.fleets,
    Key: sharedHeadKey(connectionKey, location, identity),
    UpdateExpression: 'SET #users = #users - :one, leftAtMs = :now',
    ConditionExpression: '#name = :name AND #users > :none',
    ExpressionAttributeNames: { '#users': 'users', '#name': 'name' },
    ExpressionAttributeValues: { ':one': 1, ':none': 0, ':name': name, ':now': store.clock.now() },
  },
});

/** What a fleet waits for. Without `stuck`, it waits for nothing any more. */
export type Wait = Pick<Membership, 'failingSinceMs' | 'stuck' | 'waitsFor'>;

/** Records what a fleet waits for while a quota refuses a shared resource. Does nothing if the fleet is no user. */
export async function recordWait(
  store: Store<'fleets'>,
  { fleetId, connectionKey, location }: PlacementRef,
  { failingSinceMs, stuck, waitsFor }: Wait,
): Promise<void> {
  const isWaiting = stuck !== undefined && waitsFor !== undefined;
  try {
    await store.document.send(
      new UpdateCommand({
        TableName: store.tables.fleets,
        Key: membershipKey(fleetId, connectionKey, location),
        UpdateExpression: isWaiting
          ? 'SET failingSinceMs = :since, stuck = :stuck, waitsFor = :resource'
          : 'SET failingSinceMs = :since REMOVE stuck, waitsFor',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: {
          ':since': failingSinceMs,
          ...(isWaiting ? { ':stuck': stuck, ':resource': waitsFor } : {}),
        },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}
