import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { AppliedLimits } from '../../model/applied-limits.ts';
import type { Connection } from '../../model/connection.ts';
import { keyOfConnection } from './connections.ts';
import type { Store } from './store.ts';

/**
 * Writes the limits that quotas of a connection's account state at a location, if they differ from those that the caller
 * has read. Syncs of several locations may write at the same time. Writes nothing if the connection was deleted, or
 * deleted and created again.
 *
 * @param applied undefined: the quotas state no limits
 */
export async function noteAppliedLimits(
  store: Store<'access'>,
  connection: Pick<Connection, 'driver' | 'namespace' | 'name' | 'id' | 'appliedLimits'>,
  location: string,
  applied: AppliedLimits | undefined,
): Promise<void> {
  const known = connection.appliedLimits?.[location];
  if (JSON.stringify(known) === JSON.stringify(applied)) return;
  const update = async (UpdateExpression: string, values: Record<string, unknown>, names: object) => {
    try {
      await store.document.send(
        new UpdateCommand({
          TableName: store.tables.access,
          Key: keyOfConnection(connection),
          UpdateExpression,
          ConditionExpression: '#id = :id',
          ExpressionAttributeNames: { '#id': 'id', ...names },
          ExpressionAttributeValues: { ':id': connection.id, ...values },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  };
  // A path below a map that does not exist cannot be written.
  await update('SET appliedLimits = if_not_exists(appliedLimits, :none)', { ':none': {} }, {});
  const names = { '#location': location };
  if (applied) await update('SET appliedLimits.#location = :applied', { ':applied': applied }, names);
  else await update('REMOVE appliedLimits.#location', {}, names);
}
