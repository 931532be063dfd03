import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { cloudSchema } from '../../model/cloud.ts';
import type { Connection } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import { type DeletingConnection, deletionIsDecided } from './connection-deletion.ts';
import { connectionStands } from './connections.ts';
import { volumeKey, volumePartition } from './keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';
import { stuckItemSchema } from './stuck.ts';
import { MAX_TRANSACT_ITEMS, type TransactItem, transactWrite } from './transact.ts';

/**
 * Record of a volume that outlives its machine, or will. It proves to sweeps that the volume is kept on purpose, or
 * that its removal was requested. It is deleted when the cloud no longer shows the volume.
 *
 * - `InUse`: its machine exists, or existed when it was last seen. The volume stays when the machine is removed.
 * - `Kept`: its machine is gone.
 * - `Deleting`: a user has requested the removal of a kept volume. Workers request it at the cloud until the volume is
 *   gone.
 */
const volumeItemSchema = z.object({
  connectionKey: z.string(),
  namespace: z.string(),
  connection: z.string(),
  cloud: cloudSchema,
  location: z.string(),
  backendId: z.string(),
  fleetId: z.string(),
  fleetName: z.string(),
  instanceId: z.string(),
  launchToken: z.string(),
  nodeGroup: z.string(),
  state: z.enum(['InUse', 'Kept', 'Deleting']),
  sizeGb: z.number(),
  type: z.string().optional(),
  zone: z.string().optional(),
  /** Price in US dollars a month. Absent: not known. */
  usdPerMonth: z.number().optional(),
  createdAt: z.string().optional(),
  /** Time at which a user last requested the removal. */
  removalAskedAtMs: z.number().optional(),
  /** The failed tries to remove the volume. */
  stuck: stuckItemSchema.optional(),
  /** Time at which a list of the cloud first left the volume out. */
  missingSinceMs: z.number().optional(),
});
export type VolumeItem = z.infer<typeof volumeItemSchema>;
type VolumeRef = Pick<VolumeItem, 'connectionKey' | 'location' | 'backendId'>;

/** Reads the records of a connection's volumes with strongly consistent reads, at one location or at all. */
export async function readVolumes(
  store: Store<'fleets'>,
  connectionKey: string,
  location?: string,
): Promise<VolumeItem[]> {
  const keys = {
    pk: volumePartition(connectionKey),
    prefix: location === undefined ? '' : `${location}#`,
    consistent: true,
  };
  return await queryAll(store, store.tables.fleets, keys, (item) => volumeItemSchema.parse(item));
}

/**
 * Writes that a volume is kept, before the record of its machine is closed. Changes nothing if the removal of the
 * volume was requested. A volume never goes back from `Kept` to `InUse`. The same transaction checks that no deletion of
 * the connection is under way, because the deletion of a connection depends on its kept volumes.
 *
 * @returns `connection-deleting` if nothing was written, because the connection is being deleted or is gone
 */
export async function keepVolume(
  store: Store<'access' | 'fleets'>,
  connection: Connection,
  item: VolumeItem,
): Promise<'done' | 'connection-deleting'> {
  const isEarly = item.state === 'InUse';
  const refusals = await transactWrite(store, [
    {
      Put: {
        TableName: store.tables.fleets,
        Item: { ...volumeKey(item), ...item },
        ConditionExpression: isEarly
          ? 'attribute_not_exists(pk)'
          : 'attribute_not_exists(pk) OR #state <> :deleting',
        ...(isEarly
          ? {}
          : {
              ExpressionAttributeNames: { '#state': 'state' },
              ExpressionAttributeValues: { ':deleting': 'Deleting' },
            }),
      },
    },
    connectionStands(store, connection),
  ]);
  // A volume that has its record already needs no other write.
  return refusals.length > 0 && refusals.every(({ at }) => at === 1) ? 'connection-deleting' : 'done';
}

/**
 * Requests the removal of a kept volume. A repeated request makes the next try due immediately.
 *
 * @returns false if the volume is in use, or its record is gone
 */
export async function askVolumeRemoval(
  store: Store<'fleets'>,
  ref: VolumeRef,
  nowMs: number,
): Promise<boolean> {
  return await unlessRefused(
    store.document.send(
      new UpdateCommand({
        TableName: store.tables.fleets,
        Key: volumeKey(ref),
        UpdateExpression: 'SET #state = :deleting, removalAskedAtMs = :now',
        ConditionExpression: '#state IN (:kept, :deleting)',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':deleting': 'Deleting', ':kept': 'Kept', ':now': nowMs },
      }),
    ),
  );
}

/** Writes that no machine uses a volume any more. Changes nothing unless its state is `InUse`. */
export async function endVolumeUse(store: Store<'fleets'>, ref: VolumeRef): Promise<void> {
  await unlessRefused(
    store.document.send(
      new UpdateCommand({
        TableName: store.tables.fleets,
        Key: volumeKey(ref),
        UpdateExpression: 'SET #state = :kept',
        ConditionExpression: '#state = :inUse',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':inUse': 'InUse', ':kept': 'Kept' },
      }),
    ),
  );
}

/** Writes fields of a record, if it still exists. */
export async function noteVolume(
  store: Store<'fleets'>,
  ref: VolumeRef,
  fields: Pick<VolumeItem, 'stuck'> | Pick<VolumeItem, 'missingSinceMs'>,
): Promise<void> {
  const [[name, value] = ['stuck', undefined]] = Object.entries(fields);
  await unlessRefused(
    store.document.send(
      new UpdateCommand({
        TableName: store.tables.fleets,
        Key: volumeKey(ref),
        UpdateExpression: value === undefined ? 'REMOVE #name' : 'SET #name = :value',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: { '#name': name },
        ...(value === undefined ? {} : { ExpressionAttributeValues: { ':value': value } }),
      }),
    ),
  );
}

/** Deletes the record of a volume that the cloud no longer shows. Repeating this is harmless. */
export async function forgetVolume(store: Store<'fleets'>, ref: VolumeRef): Promise<void> {
  await store.document.send(new DeleteCommand({ TableName: store.tables.fleets, Key: volumeKey(ref) }));
}

/**
 * Deletes the records of all volumes of a connection whose deletion is decided. The volumes stay at the cloud.
 * Repeating this is harmless: each transaction checks that this deletion is not finished yet, so that it takes no volume
 * from a later connection of the same name.
 */
export async function forgetVolumes(
  store: Store<'access' | 'fleets'>,
  connection: DeletingConnection,
): Promise<void> {
  const items = await readVolumes(store, connectionKey(connection));
  const most = MAX_TRANSACT_ITEMS - 1;
  for (let at = 0; at < items.length; at += most) {
    const deletes = items
      .slice(at, at + most)
      .map((item): TransactItem => ({ Delete: { TableName: store.tables.fleets, Key: volumeKey(item) } }));
    const refusals = await transactWrite(store, [deletionIsDecided(store, connection), ...deletes]);
    if (refusals.length > 0) return;
  }
}

async function unlessRefused(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
