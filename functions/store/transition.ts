import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { InstanceRef } from '../model/identifiers.ts';
import { type InstanceStatus, isClosed } from '../model/status.ts';
import type { Store } from './client.ts';
import type { InstanceItem } from './instances.ts';
import { instanceKey, placementKey, placeName } from './keys.ts';
import { MAX_TRANSACT_ITEMS, type TransactItem, transactWrite } from './transact.ts';

/** Fields that a change may write beside the status. `undefined` leaves a field as it is. */
export type InstanceFields = Partial<
  Omit<InstanceItem, 'instanceId' | 'fleetId' | 'index' | 'status' | 'connectionKey' | 'location'>
>;

/** The first record of an instance: the claim, written before any cloud call for it. */
export interface Claim {
  kind: 'claim';
  record: InstanceItem;
}

/** A change of a record's status. It is refused when the record stands in another status or attempt by now. */
export interface StatusChange {
  kind: 'change';
  record: InstanceItem;
  to: InstanceStatus;
  fields?: InstanceFields;
}

export interface PlacementRef {
  fleetId: string;
  connectionKey: string;
  location: string;
}

export interface TransitionResult {
  /** Ids of instances whose change was written. */
  applied: string[];
  /** Ids of those that somebody else had changed first; read again to see. */
  refused: string[];
  /** The placement's gate is closed: no claim was written. */
  gateClosed: boolean;
}

/**
 * Writes changes of instances of one placement together with its counters, in as few transactions as fit.
 * The only way in which a status is ever written.
 *
 * @param secondsSinceCreation of the fleet, for the cost counters
 */
export async function transition(
  store: Store<'fleets'>,
  placement: PlacementRef,
  changes: readonly (Claim | StatusChange)[],
  secondsSinceCreation: number,
): Promise<TransitionResult> {
  const result: TransitionResult = { applied: [], refused: [], gateClosed: false };
  const perTransaction = MAX_TRANSACT_ITEMS - 1;
  for (let at = 0; at < changes.length; at += perTransaction) {
    let rest = changes.slice(at, at + perTransaction);
    while (rest.length > 0) {
      const counters = counterUpdate(store, placement, rest, secondsSinceCreation);
      const items = rest.map((change) => instanceWrite(store, change, secondsSinceCreation));
      const refusals = await transactWrite(store, [counters, ...items]);
      if (refusals.length === 0) {
        result.applied.push(...rest.map(({ record }) => record.instanceId));
        break;
      }
      const refusedAt = new Set(refusals.map((refusal) => refusal.at - 1));
      if (refusedAt.has(-1)) {
        result.gateClosed = true;
        return result;
      }
      result.refused.push(...rest.filter((_, i) => refusedAt.has(i)).map(({ record }) => record.instanceId));
      rest = rest.filter((_, i) => !refusedAt.has(i));
    }
  }
  return result;
}

function counterUpdate(
  store: Store<'fleets'>,
  placement: PlacementRef,
  changes: readonly (Claim | StatusChange)[],
  secondsSinceCreation: number,
): TransactItem {
  const add = new Map<string, number>();
  const bump = (path: string, by: number) => add.set(path, (add.get(path) ?? 0) + by);
  const examples = new Map<string, string>();
  for (const change of changes) {
    const to = statusAfter(change);
    if (change.kind === 'change') bump(`counts.${change.record.status}`, -1);
    bump(`counts.${to}`, 1);
    const price = change.record.microUsdPerHour;
    if (startsRun(change)) {
      bump('microUsdPerHour', price);
      bump('microUsdSeconds', price * secondsSinceCreation);
    }
    if (endsRun(change)) {
      bump('microUsdPerHour', -price);
      bump('microUsdSeconds', -price * secondsSinceCreation);
    }
    const failure =
      change.kind === 'change' && to === 'Failed'
        ? (change.fields?.failure ?? change.record.failure)
        : undefined;
    if (failure) {
      bump(`failureCounts.${failure.code}`, 1);
      examples.set(failure.code, failure.message);
    }
  }
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const path = (dotted: string) =>
    dotted
      .split('.')
      .map((part) => {
        names[`#${part}`] = part;
        return `#${part}`;
      })
      .join('.');
  const adds = [...add].map(([dotted, by], at) => {
    values[`:by${at}`] = by;
    values[':zero'] = 0;
    return `${path(dotted)} = if_not_exists(${path(dotted)}, :zero) + :by${at}`;
  });
  const firsts = [...examples].map(([code, message], at) => {
    values[`:example${at}`] = message.slice(0, 300);
    const dotted = path(`failureExamples.${code}`);
    return `${dotted} = if_not_exists(${dotted}, :example${at})`;
  });
  const claims = changes.some(({ kind }) => kind === 'claim');
  if (claims) values[':open'] = 'open';
  return {
    Update: {
      TableName: store.tables.fleets,
      Key: placementKey(placement.fleetId, placement.connectionKey, placement.location),
      UpdateExpression: `SET ${[...adds, ...firsts].join(', ')}`,
      ConditionExpression: claims ? 'gate = :open' : 'attribute_exists(pk)',
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    },
  };
}

function instanceWrite(
  store: Store<'fleets'>,
  change: Claim | StatusChange,
  secondsSinceCreation: number,
): TransactItem {
  const { record } = change;
  const key = instanceKey(record);
  if (change.kind === 'claim') {
    return {
      Put: {
        TableName: store.tables.fleets,
        Item: {
          ...key,
          ...record,
          placePk: placeName(record.connectionKey, record.location),
          placeSk: record.instanceId,
        },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    };
  }
  const fields = {
    ...change.fields,
    ...(startsRun(change) ? { runningSinceSeconds: secondsSinceCreation } : {}),
  };
  const update = setExpression({ status: change.to, ...fields });
  return {
    Update: {
      TableName: store.tables.fleets,
      Key: key,
      // A closed record leaves the index of what may exist at the place.
      UpdateExpression: `${update.expression}${isClosed(change.to) ? ' REMOVE placePk, placeSk' : ''}`,
      ConditionExpression: '#status = :from AND attempt = :attempt',
      ExpressionAttributeNames: update.names,
      ExpressionAttributeValues: { ...update.values, ':from': record.status, ':attempt': record.attempt },
    },
  };
}

/**
 * Writes fields of a record whose status stays: how far its create call came, its backend's id, its token.
 *
 * @param expected the claim that must still stand, for those who take it over
 * @returns false when the record has another status or attempt by now; nothing is written then
 */
export async function updateInstance(
  store: Store<'fleets'>,
  record: Pick<InstanceItem, 'status' | 'attempt'> & InstanceRef,
  fields: InstanceFields,
  expected: { claimUntilMs?: number } = {},
): Promise<boolean> {
  const update = setExpression(fields);
  const claimed = expected.claimUntilMs;
  try {
    await store.document.send(
      new UpdateCommand({
        TableName: store.tables.fleets,
        Key: instanceKey(record),
        UpdateExpression: update.expression,
        ConditionExpression: `#status = :from AND attempt = :attempt${claimed === undefined ? '' : ' AND claimUntilMs = :claimed'}`,
        ExpressionAttributeNames: { ...update.names, '#status': 'status' },
        ExpressionAttributeValues: {
          ...update.values,
          ':from': record.status,
          ':attempt': record.attempt,
          ...(claimed === undefined ? {} : { ':claimed': claimed }),
        },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

function setExpression(fields: Record<string, unknown>): {
  expression: string;
  names: Record<string, string>;
  values: Record<string, unknown>;
} {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  return {
    expression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    names: Object.fromEntries(set.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
  };
}

function statusAfter(change: Claim | StatusChange): InstanceStatus {
  return change.kind === 'claim' ? change.record.status : change.to;
}

/** A run is paid from the first time that it is seen Running to the time that the record is closed. */
function startsRun(change: Claim | StatusChange): boolean {
  return (
    change.kind === 'change' && change.to === 'Running' && change.record.runningSinceSeconds === undefined
  );
}

function endsRun(change: Claim | StatusChange): boolean {
  return change.kind === 'change' && isClosed(change.to) && change.record.runningSinceSeconds !== undefined;
}
