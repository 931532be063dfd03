import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type Connection, connectionSchema } from '../../model/connection.ts';
import type { ConnectionRef } from '../../model/identifiers.ts';
import { isoTime } from '../runtime/clock.ts';
import { keyOfConnection } from './connections.ts';
import { UNDECIDED } from './deletion-marks.ts';
import type { Store } from './store.ts';

export type ConnectionUpdate = Partial<
  Pick<
    Connection,
    | 'status'
    | 'failure'
    | 'credentialVersion'
    | 'rotation'
    | 'verifiedAt'
    | 'account'
    | 'accountName'
    | 'accountChangedAt'
    | 'warning'
    | 'inventorySyncedAt'
    | 'inventoryFailures'
    | 'limits'
    | 'reportedLimits'
    | 'orphans'
    | 'network'
    | 'networkChange'
  >
>;

/** Conditions of an update, and the fields that it removes. */
export interface UpdateCondition {
  /** Id that the connection must have. Another connection may have been created under the same name. */
  id?: string;
  /** `none`: no deletion is under way; `undecided`: a deletion may be marked, but not decided. */
  deletion?: 'none' | 'undecided';
  /** Status that the connection must not have, for example a status that only users may change. */
  statusNot?: Connection['status'];
  /** Version of the secret that must still be in force. */
  credentialVersion?: number | undefined;
  /** Version of the secret whose rotation must still be under way. */
  rotationVersion?: number;
  /** Request for another default network that must still be under way. */
  networkChangeId?: string;
  /** Account that the connection must still have. `none`: the connection must have no recorded account. */
  account?: { is: string } | 'none';
  /** Status that the connection must still have. */
  statusIs?: Connection['status'];
  /** Fields to remove in the same write. */
  remove?: readonly (
    | 'rotation'
    | 'inventoryFailures'
    | 'limits'
    | 'reportedLimits'
    | 'accountName'
    | 'warning'
    | 'networkChange'
    | 'failure'
    | 'failedAt'
  )[];
}

/**
 * Updates a connection's record. A failure keeps the time at which it was first set (`failedAt`). If the update sets
 * another status than Failed, the recorded failure and its time are removed.
 *
 * @returns the updated connection; undefined if it does not exist or the condition does not hold
 */
export async function updateConnection(
  store: Store<'access'>,
  ref: ConnectionRef,
  update: ConnectionUpdate,
  condition: UpdateCondition = {},
): Promise<Connection | undefined> {
  const fields = Object.entries(update).filter(([, value]) => value !== undefined);
  const heals = update.status !== undefined && update.status !== 'Failed';
  const removed = [...(heals ? ['failure', 'failedAt'] : []), ...(condition.remove ?? [])];
  const checks = checksOf(condition);
  const values: Record<string, unknown> = {
    ...Object.fromEntries(fields.map(([field, value]) => [`:${field}`, value])),
    ...checks.values,
  };
  const sets = fields.map(([field]) => `#${field} = :${field}`);
  if (update.failure !== undefined) {
    sets.push('#failedAt = if_not_exists(#failedAt, :failedAt)');
    values[':failedAt'] = isoTime(store.clock.now());
  }
  try {
    const { Attributes } = await store.document.send(
      new UpdateCommand({
        TableName: store.tables.access,
        Key: keyOfConnection(ref),
        ReturnValues: 'ALL_NEW',
        UpdateExpression: [
          ...(sets.length > 0 ? [`SET ${sets.join(', ')}`] : []),
          ...(removed.length > 0 ? [`REMOVE ${removed.map((field) => `#${field}`).join(', ')}`] : []),
        ].join(' '),
        ConditionExpression: ['attribute_exists(pk)', ...checks.expressions].join(' AND '),
        ExpressionAttributeNames: {
          ...Object.fromEntries(
            [
              ...fields.map(([field]) => field),
              ...removed,
              ...(update.failure === undefined ? [] : ['failedAt']),
            ].map((name) => [`#${name}`, name]),
          ),
          ...checks.names,
        },
        // DynamoDB refuses an empty map.
        ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
      }),
    );
    return connectionSchema.parse(Attributes);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

function checksOf(condition: UpdateCondition) {
  const { id, deletion, statusNot, statusIs, credentialVersion, rotationVersion, account, networkChangeId } =
    condition;
  const expressions: string[] = [];
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const check = (expression: string, name: string, field: string, value: unknown) => {
    expressions.push(expression);
    names[`#${name}`] = field;
    values[`:${name}`] = value;
  };
  if (id !== undefined) check('#id = :id', 'id', 'id', id);
  if (deletion === 'none') expressions.push('attribute_not_exists(deletion)');
  if (deletion === 'undecided') {
    expressions.push(UNDECIDED);
    values[':undecided'] = false;
  }
  if (statusNot !== undefined) check('#was <> :was', 'was', 'status', statusNot);
  if (statusIs !== undefined) check('#is = :is', 'is', 'status', statusIs);
  if (account === 'none') expressions.push('attribute_not_exists(account)');
  else if (account !== undefined) check('#hasAccount = :hasAccount', 'hasAccount', 'account', account.is);
  if (credentialVersion !== undefined) {
    check('#inForce = :inForce', 'inForce', 'credentialVersion', credentialVersion);
  }
  if (rotationVersion !== undefined) {
    check('rotation.#wanted = :wanted', 'wanted', 'version', rotationVersion);
  }
  if (networkChangeId !== undefined)
    check('networkChange.#change = :change', 'change', 'id', networkChangeId);
  return { expressions, names, values };
}
