import { type InstanceStatus, isClosed } from '../../model/status.ts';
import type { InstanceItem } from './instances.ts';
import { placementKey } from './keys.ts';
import type { Store } from './store.ts';
import type { TransactItem } from './transact.ts';

export interface PlacementRef {
  fleetId: string;
  connectionKey: string;
  location: string;
}

/**
 * An instance's record before and after a change. The counters of its placement change with it. `before` is absent for
 * a new record.
 */
export interface Step {
  before?: InstanceItem;
  after: InstanceItem;
}

/** Returns the name of the counter for instances of a node group that failed permanently in a round. */
export const lostIn = (round: number): string => `lost${round}`;
/** Returns the name of the counter for instances of a node group in a status whose price is not known. */
export const unpricedIn = (status: InstanceStatus): string => `unpriced${status}`;
/** Returns the name of the counter for instances of a node group that were last claimed in a round and have ended. */
export const endedIn = (round: number): string => `ended${round}`;
/** Name of the counter for instances of a node group that are about to move. */
export const MOVING = 'moving';

/**
 * Changes of a placement's counters. `add`: the number to add at each path in the item. `examples`: a message for each
 * failure code.
 */
export interface CounterChange {
  add: Map<string, { path: readonly string[]; by: number }>;
  examples: Map<string, string>;
}

export function noChange(): CounterChange {
  return { add: new Map(), examples: new Map() };
}

function bump({ add }: CounterChange, path: readonly string[], by: number): void {
  const key = path.join('\n');
  add.set(key, { path, by: (add.get(key)?.by ?? 0) + by });
}

/**
 * Adds an instance to the count of a status (`by` 1), or subtracts it (-1), for the placement and for its node group.
 */
function countStatus(
  change: CounterChange,
  record: Pick<InstanceItem, 'nodeGroup'>,
  status: InstanceStatus,
  by: 1 | -1,
): void {
  bump(change, ['counts', status], by);
  bump(change, ['groups', record.nodeGroup, status], by);
}

/**
 * Adds an instance to its counters (`by` 1), or subtracts it (-1): to the count of its status, and to the counter for
 * its round if it has ended, or for instances that are about to move.
 */
export function countInstance(change: CounterChange, record: InstanceItem, by: 1 | -1): void {
  countStatus(change, record, record.status, by);
  if (record.isUnpriced) bump(change, ['groups', record.nodeGroup, unpricedIn(record.status)], by);
  if (hasEnded(record)) bump(change, ['groups', record.nodeGroup, endedIn(record.round)], by);
  if (isMoving(record)) bump(change, ['groups', record.nodeGroup, MOVING], by);
}

export function countRequested(change: CounterChange, by: 1 | -1): void {
  bump(change, ['requested'], by);
}

/** Counts a change of a record that stays at its placement. See `countStepFrom`. */
export function countStep(change: CounterChange, step: Step, secondsSinceCreation: number): void {
  countStepFrom(change, change, step, secondsSinceCreation);
}

/**
 * Counts a change of a record at two placements: the placement that the record leaves (`from`) and the placement that
 * it enters (`to`). They may be the same.
 *
 * @param secondsSinceCreation age of the fleet in seconds, on which the cost counters are based
 */
export function countStepFrom(
  from: CounterChange,
  to: CounterChange,
  { before, after }: Step,
  secondsSinceCreation: number,
): void {
  if (before) countInstance(from, before, -1);
  countInstance(to, after, 1);
  countPrice(to, { ...(before && { before }), after }, secondsSinceCreation);
  countFailure(from, to, before, after);
  if (before && isClosed(before.status)) {
    // A failure in an earlier round stays in the `lost` counter of that round.
    if (after.round !== before.round) return;
    if (isLost(before)) bump(from, ['groups', before.nodeGroup, lostIn(before.round)], -1);
    if (isLost(after)) bump(to, ['groups', after.nodeGroup, lostIn(after.round)], 1);
    return;
  }
  // An instance that failed before fails again when a later round gives it up.
  if (isLost(after) && !(before && isLost(before) && before.round === after.round)) {
    bump(to, ['groups', after.nodeGroup, lostIn(after.round)], 1);
  }
}

/**
 * Counts the failure of an instance that has failed, even while its machine is still being removed. If the instance is
 * launched again, or its machine exists again, its failure is no longer counted.
 */
function countFailure(
  from: CounterChange,
  to: CounterChange,
  before: InstanceItem | undefined,
  after: InstanceItem,
): void {
  const was = before && countedFailure(before);
  const is = countedFailure(after);
  if (was?.code === is?.code && from === to) return;
  if (was) bump(from, ['failureCounts', was.code], -1);
  if (!is) return;
  bump(to, ['failureCounts', is.code], 1);
  to.examples.set(is.code, is.message);
}

const countedFailure = (record: InstanceItem): InstanceItem['failure'] =>
  isClosed(record.status) || isLost(record) ? record.failure : undefined;

function countPrice(change: CounterChange, { before, after }: Step, secondsSinceCreation: number): void {
  const isRunning = startsRun(before, after) || isInRun(after);
  const rise =
    (isRunning ? after.microUsdPerHour : 0) - (before && isInRun(before) ? before.microUsdPerHour : 0);
  if (rise === 0) return;
  bump(change, ['microUsdPerHour'], rise);
  bump(change, ['microUsdSeconds'], rise * secondsSinceCreation);
}

/** Returns true if the instance costs money: its run has started and has not ended. */
const isInRun = ({ status, runningSinceSeconds }: InstanceItem): boolean =>
  runningSinceSeconds !== undefined && !isClosed(status);

/**
 * Returns true if the machine of an attempt is being removed, and another attempt follows at another location or here.
 */
export function isMoving({ status, closeAs }: Pick<InstanceItem, 'status' | 'closeAs'>): boolean {
  return status === 'Terminating' && closeAs === 'Planned';
}

/** Returns true if no further attempt follows in the instance's round. Its last machine may still exist. */
export function hasEnded(record: Pick<InstanceItem, 'status' | 'closeAs'>): boolean {
  return isClosed(record.status) || (record.status === 'Terminating' && !isMoving(record));
}

/** Returns true if the instance has failed permanently. Its machine may still exist. */
function isLost({ status, failure, closeAs }: InstanceItem): boolean {
  return isClosed(status) ? failure !== undefined : status === 'Terminating' && closeAs === 'Failed';
}

/**
 * Returns true if a run of the instance starts. A run lasts from the first time that a worker records the instance as
 * Running until its record is closed. During a run, the instance costs money.
 */
export function startsRun(before: InstanceItem | undefined, after: InstanceItem): boolean {
  return before !== undefined && after.status === 'Running' && before.runningSinceSeconds === undefined;
}

/**
 * Condition that the placement of a change must meet. `there`: the placement exists. `not-ended`: launching has not
 * ended. `openFor`: launching is on for this round. With `unblocked`, the placement must also be without the field
 * `blocked`, which is the reason why nothing can be launched there.
 */
export type PlacementCondition = 'there' | 'not-ended' | { openFor: number; unblocked?: boolean };

/** Returns the condition that launching is on at a placement for a round. */
export function openFor(round: number) {
  return {
    ConditionExpression: 'launching = :on AND #round = :round',
    ExpressionAttributeNames: { '#round': 'round' },
    ExpressionAttributeValues: { ':on': 'on', ':round': round },
  };
}

/** Returns the write that adds a change to a placement's counters. */
export function counterWrite(
  store: Store<'fleets'>,
  { fleetId, connectionKey, location }: PlacementRef,
  { add, examples }: CounterChange,
  condition: PlacementCondition,
): TransactItem {
  const names = new Map<string, string>();
  const values: Record<string, unknown> = { ':zero': 0 };
  // The placeholders are short because DynamoDB limits an expression to 4 KB.
  const placeholder = (part: string) => {
    const known = names.get(part);
    if (known !== undefined) return known;
    names.set(part, `#n${names.size}`);
    return `#n${names.size - 1}`;
  };
  const pathOf = (parts: readonly string[]) => parts.map(placeholder).join('.');
  const adds = [...add.values()].map(({ path, by }, at) => {
    values[`:v${at}`] = by;
    const dotted = pathOf(path);
    return `${dotted} = if_not_exists(${dotted}, :zero) + :v${at}`;
  });
  const firsts = [...examples].map(([code, message], at) => {
    values[`:e${at}`] = message.slice(0, 300);
    const dotted = pathOf(['failureExamples', code]);
    return `${dotted} = if_not_exists(${dotted}, :e${at})`;
  });
  const required = requirementOf(condition);
  return {
    Update: {
      TableName: store.tables.fleets,
      Key: placementKey(fleetId, connectionKey, location),
      UpdateExpression: `SET ${[...adds, ...firsts].join(', ')}`,
      ConditionExpression: required.ConditionExpression,
      ExpressionAttributeNames: {
        ...Object.fromEntries([...names].map(([name, short]) => [short, name])),
        ...required.ExpressionAttributeNames,
      },
      ExpressionAttributeValues: { ...values, ...required.ExpressionAttributeValues },
    },
  };
}

function requirementOf(condition: PlacementCondition): {
  ConditionExpression: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
} {
  if (condition === 'there') return { ConditionExpression: 'attribute_exists(pk)' };
  if (condition === 'not-ended') {
    return {
      ConditionExpression: 'attribute_exists(pk) AND launching <> :ended',
      ExpressionAttributeValues: { ':ended': 'ended' },
    };
  }
  const open = openFor(condition.openFor);
  if (!condition.unblocked) return open;
  return { ...open, ConditionExpression: `${open.ConditionExpression} AND attribute_not_exists(blocked)` };
}
