import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { InstanceRef } from '../../model/identifiers.ts';
import { type InstanceStatus, isClosed } from '../../model/status.ts';
import {
  counterWrite,
  countStep,
  hasEnded,
  noChange,
  openFor,
  type PlacementCondition,
  type PlacementRef,
  type Step,
  startsRun,
} from './counters.ts';
import type { InstanceItem } from './instances.ts';
import { instanceKey, placementKey, siteName } from './keys.ts';
import { seatChanges, seatsTakenBy, seatWrite } from './on-demand-seats.ts';
import type { Store } from './store.ts';
import { MAX_TRANSACT_ITEMS, type TransactItem, transactWrite } from './transact.ts';

/** Fields that a change may write in addition to the status. A field that is undefined stays as it is. */
export type InstanceFields = Partial<
  Omit<InstanceItem, 'instanceId' | 'fleetId' | 'index' | 'status' | 'connectionKey' | 'location'>
>;

/** Fields that a change may remove. */
export type ClearableField =
  | 'failure'
  | 'stuck'
  | 'trouble'
  | 'publicIp'
  | 'privateIp'
  | 'ipv6'
  | 'closeAs'
  | 'terminatedAt'
  | 'closedAtMs'
  | 'idempotencyKeys'
  | 'onDemandSeats'
  | 'isUnpriced';

/**
 * The claim of an attempt, which is written before any call to the cloud for the attempt. `replaces` is the record from
 * the earlier attempt; absent: this is the first attempt. All claims in one call of `transition` must belong to the
 * same round.
 */
export interface Claim {
  kind: 'claim';
  record: InstanceItem;
  replaces?: InstanceItem;
}

/**
 * A change of a record's status. It is refused if another worker has changed or claimed the record since it was read.
 */
export interface StatusChange {
  kind: 'change';
  record: InstanceItem;
  to: InstanceStatus;
  fields?: InstanceFields;
  clears?: readonly ClearableField[];
  /**
   * True: reopens a closed record, because its machine exists after all. The change is refused if the instance's
   * removal was requested, or launching has ended at the placement.
   */
  reopens?: boolean;
}

export interface TransitionResult {
  /** Ids of instances whose change was written. */
  applied: string[];
  /**
   * Ids of instances whose change was refused, because another worker had changed the record. The caller has to read
   * these records again.
   */
  refused: string[];
  /**
   * True if the placement did not allow the remaining changes: launching is not on (for claims), or has ended (for
   * reopened records). None of the remaining changes was written.
   */
  stoppedByGate: boolean;
  /**
   * Ids of instances whose record was not reopened, because their node group may not have another on-demand instance.
   */
  withoutSeat: string[];
}

/**
 * Maximum number of node groups in one transaction. The counters of more groups might not fit into one update
 * expression.
 */
const GROUPS_PER_TRANSACTION = 5;
/** Besides the changes, a transaction has the counters and, for each node group, its on-demand seats. */
const CHANGES_PER_TRANSACTION = MAX_TRANSACT_ITEMS - 1 - GROUPS_PER_TRANSACTION;

/**
 * Writes status changes of instances together with the counters of their placement, in as few transactions as possible.
 * Only this function and the functions of `move.ts` write the status of an instance.
 *
 * @param secondsSinceCreation age of the fleet in seconds, for the cost counters
 */
export async function transition(
  store: Store<'fleets'>,
  placement: PlacementRef,
  changes: readonly (Claim | StatusChange)[],
  secondsSinceCreation: number,
): Promise<TransitionResult> {
  const result: TransitionResult = { applied: [], refused: [], stoppedByGate: false, withoutSeat: [] };
  for (const part of inTransactions(changes)) {
    let rest = part;
    while (rest.length > 0) {
      const counters = noChange();
      for (const change of rest) countStep(counters, stepOf(change), secondsSinceCreation);
      const items = rest.map((change) => instanceWrite(store, change, secondsSinceCreation));
      const seats = seatChanges(rest.map(stepOf));
      const refusals = await transactWrite(store, [
        counterWrite(store, placement, counters, conditionOf(rest)),
        ...items,
        ...seats.map((one) => seatWrite(store, one)),
      ]);
      if (refusals.length === 0) {
        result.applied.push(...rest.map(({ record }) => record.instanceId));
        break;
      }
      const refusedAt = new Set(refusals.map((refusal) => refusal.at - 1));
      if (refusedAt.has(-1)) {
        result.stoppedByGate = true;
        return result;
      }
      result.refused.push(...rest.filter((_, i) => refusedAt.has(i)).map(({ record }) => record.instanceId));
      const full = new Set(
        seats.filter((_, i) => refusedAt.has(rest.length + i)).map(({ nodeGroup }) => nodeGroup),
      );
      const needsSeat = (change: Claim | StatusChange) =>
        full.has(change.record.nodeGroup) && seatsTakenBy(stepOf(change)) > 0;
      const standing = rest.filter((_, i) => !refusedAt.has(i));
      result.withoutSeat.push(...standing.filter(needsSeat).map(({ record }) => record.instanceId));
      rest = standing.filter((change) => !needsSeat(change));
    }
  }
  return result;
}

/**
 * Returns the condition that the placement must meet for these changes. All changes in one call of `transition` are of
 * one kind, so the first change decides.
 */
function conditionOf(changes: readonly (Claim | StatusChange)[]): PlacementCondition {
  const [first] = changes;
  if (first?.kind === 'claim') return { openFor: first.record.round };
  return first?.reopens ? 'not-ended' : 'there';
}

function inTransactions(changes: readonly (Claim | StatusChange)[]): (Claim | StatusChange)[][] {
  const parts: (Claim | StatusChange)[][] = [];
  let groups = new Set<string>();
  for (const change of changes) {
    const part = parts.at(-1);
    const { nodeGroup } = change.record;
    const fits =
      part !== undefined &&
      part.length < CHANGES_PER_TRANSACTION &&
      (groups.has(nodeGroup) || groups.size < GROUPS_PER_TRANSACTION);
    if (fits) part.push(change);
    else {
      parts.push([change]);
      groups = new Set();
    }
    groups.add(nodeGroup);
  }
  return parts;
}

/** Returns the record before and after a claim or change, as far as the counters need it. */
export function stepOf(change: Claim | StatusChange): Step {
  if (change.kind === 'change') {
    const { record, to, fields, clears = [] } = change;
    const after: InstanceItem = { ...record, status: to };
    for (const name of clears) delete after[name];
    if (fields?.failure) after.failure = fields.failure;
    if (fields?.closeAs) after.closeAs = fields.closeAs;
    if (fields?.round !== undefined) after.round = fields.round;
    if (fields?.onDemandSeats !== undefined) after.onDemandSeats = fields.onDemandSeats;
    if (fields?.microUsdPerHour !== undefined) after.microUsdPerHour = fields.microUsdPerHour;
    return { before: record, after };
  }
  const { record, replaces } = change;
  return { after: record, ...(replaces ? { before: replaces } : {}) };
}

/**
 * Returns the write of one claim or change. @param location new location of a record that is reopened. Absent: the
 * location stays
 */
export function instanceWrite(
  store: Store<'fleets'>,
  change: Claim | StatusChange,
  secondsSinceCreation: number,
  location = change.record.location,
): TransactItem {
  const { record } = change;
  const key = instanceKey(record);
  if (change.kind === 'claim') {
    const { replaces } = change;
    return {
      Put: {
        TableName: store.tables.fleets,
        Item: {
          ...key,
          ...record,
          ...(mayExist(record.status)
            ? { sitePk: siteName(record.connectionKey, record.location), siteSk: record.instanceId }
            : {}),
        },
        ...(replaces ? unchanged(replaces) : { ConditionExpression: 'attribute_not_exists(pk)' }),
      },
    };
  }
  const { after } = stepOf(change);
  const beginsRemoval = change.to === 'Terminating' && record.status !== 'Terminating';
  const fields = {
    ...change.fields,
    ...(beginsRemoval ? { terminatingAtMs: store.clock.now() } : {}),
    ...(startsRun(record, after) ? { runningSinceSeconds: secondsSinceCreation } : {}),
    ...(change.reopens
      ? { location, sitePk: siteName(record.connectionKey, location), siteSk: record.instanceId }
      : {}),
  };
  const update = setExpression({ status: change.to, ...fields });
  // If the machine cannot exist with the new status, the record leaves the index `bySite`.
  const cleared = [
    ...(change.clears ?? []),
    ...(beginsRemoval && record.stuck !== undefined ? ['stuck'] : []),
    ...(mayExist(change.to) ? [] : ['sitePk', 'siteSk']),
  ];
  const { ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues } = unchanged(record);
  // The counters change by the record's price. The record must still have that price.
  const condition = `${ConditionExpression} AND microUsdPerHour = :fromPrice`;
  return {
    Update: {
      TableName: store.tables.fleets,
      Key: key,
      UpdateExpression: `${update.expression}${cleared.length > 0 ? ` REMOVE ${cleared.map((name) => `#${name}`).join(', ')}` : ''}`,
      ConditionExpression: change.reopens ? `${condition} AND attribute_not_exists(endAskedAtMs)` : condition,
      ExpressionAttributeNames: {
        ...update.names,
        ...Object.fromEntries(cleared.map((name) => [`#${name}`, name])),
        ...ExpressionAttributeNames,
      },
      ExpressionAttributeValues: {
        ...update.values,
        ...ExpressionAttributeValues,
        ':fromPrice': record.microUsdPerHour,
      },
    },
  };
}

const mayExist = (status: InstanceStatus): boolean => !isClosed(status) && status !== 'Planned';

/**
 * Returns the condition that a record still has the status, round, attempt, claim, launch state and `closeAs` that it had when it was read. Decisions and counters depend on them.
 */
export function unchanged({ status, round, attempt, claimUntilMs, launchState, closeAs }: InstanceItem) {
  const closing = closeAs === undefined ? 'attribute_not_exists(#closeAs)' : '#closeAs = :fromCloseAs';
  return {
    ConditionExpression: `#status = :from AND #round = :fromRound AND attempt = :fromAttempt AND #claim = :fromClaim AND #launch = :fromLaunch AND ${closing}`,
    ExpressionAttributeNames: {
      '#status': 'status',
      '#round': 'round',
      '#claim': 'claimUntilMs',
      '#launch': 'launchState',
      '#closeAs': 'closeAs',
    },
    ExpressionAttributeValues: {
      ':from': status,
      ':fromRound': round,
      ':fromAttempt': attempt,
      ':fromClaim': claimUntilMs,
      ':fromLaunch': launchState,
      ...(closeAs === undefined ? {} : { ':fromCloseAs': closeAs }),
    },
  };
}

/**
 * Writes fields of a record that no counter depends on: the state of its create call or the machine's id. Writes only if the record has not changed since it was read. A slow worker therefore cannot overwrite what
 * another worker has written since, for example the machine's id.
 *
 * @throws RangeError if a counter depends on the fields; `transition` has to write them
 * @returns false if the record has changed since it was read; nothing is written in that case
 */
export async function updateInstance(
  store: Store<'fleets'>,
  record: InstanceItem,
  fields: Omit<InstanceFields, 'closeAs' | 'microUsdPerHour' | 'failure'>,
): Promise<boolean> {
  if (fields.round !== undefined && fields.round !== record.round && hasEnded(record))
    throw new RangeError(`the counters of ${record.instanceId} depend on its round`);
  return await updateIfUnchanged(store, fieldUpdate(store, record, fields, unchanged(record)));
}

/**
 * Removes the failed tries from a record, after the cloud has accepted a removal.
 *
 * @returns false if the record has changed since it was read; nothing is written in that case
 */
export async function clearStuck(store: Store<'fleets'>, record: InstanceItem): Promise<boolean> {
  const condition = unchanged(record);
  return await updateIfUnchanged(store, {
    TableName: store.tables.fleets,
    Key: instanceKey(record),
    ...condition,
    UpdateExpression: 'REMOVE #stuck',
    ExpressionAttributeNames: { ...condition.ExpressionAttributeNames, '#stuck': 'stuck' },
  });
}

async function updateIfUnchanged(
  store: Store<'fleets'>,
  input: ConstructorParameters<typeof UpdateCommand>[0],
): Promise<boolean> {
  try {
    await store.document.send(new UpdateCommand(input));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/**
 * Takes over the claim of an attempt that has made no machine, if launching is on at the placement.
 *
 * @returns `lost`: the record has changed since it was read, for example because another worker took the claim;
 *   `stopped`: launching is not on
 */
export async function retakeClaim(
  store: Store<'fleets'>,
  record: InstanceItem,
  fields: InstanceFields,
): Promise<'taken' | 'lost' | 'stopped'> {
  const refusals = await transactWrite(store, [
    {
      ConditionCheck: {
        TableName: store.tables.fleets,
        Key: placementKey(record.fleetId, record.connectionKey, record.location),
        ...openFor(fields.round ?? record.round),
      },
    },
    { Update: fieldUpdate(store, record, fields, unchanged(record)) },
  ]);
  if (refusals.length === 0) return 'taken';
  return refusals.some(({ at }) => at === 0) ? 'stopped' : 'lost';
}

interface Condition {
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Record<string, unknown>;
}

function fieldUpdate(
  store: Store<'fleets'>,
  record: InstanceRef,
  fields: InstanceFields,
  { ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues }: Condition,
) {
  const update = setExpression(fields);
  return {
    TableName: store.tables.fleets,
    Key: instanceKey(record),
    UpdateExpression: update.expression,
    ConditionExpression,
    ExpressionAttributeNames: { ...update.names, ...ExpressionAttributeNames },
    ExpressionAttributeValues: { ...update.values, ...ExpressionAttributeValues },
  };
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
