import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { Failure } from '../../model/failure.ts';
import { type InstanceStatus, isClosed } from '../../model/status.ts';
import type { InstanceItem, SiteEntry } from '../../platform/store/instances.ts';
import type { ClearableField, InstanceFields } from '../../platform/store/transition.ts';
import { fieldsOfRunning } from '../instances/record-running.ts';

/** The result of comparing one record with the cloud's answer. */
export type Finding =
  | { action: 'none' }
  /** Update the record to what the cloud shows. */
  | { action: 'change'; to: InstanceStatus; fields: InstanceFields; clears?: readonly ClearableField[] }
  /** The attempt has ended and its machine no longer exists. Another location may be tried. */
  | { action: 'end-attempt'; failure: Failure }
  /** A create call whose outcome was unknown created this machine. Bind the machine to the record. */
  | { action: 'adopt'; machine: CloudInstance }
  /** The record is in Terminating and the cloud still has the machine. Remove the machine. */
  | { action: 'terminate'; backendId: string }
  /** The list does not show the machine. Read the machine by id to see whether it vanished. */
  | { action: 'confirm'; backendId: string };

const NOT_STARTED: Failure = { code: 'CloudFailed', message: 'the cloud did not start the machine' };
/**
 * Time in ms after an instance's deadline. Until this time is over, polls leave a record without a machine to
 * the worker with the launch message. Afterwards, a poll fails the instance.
 */
const ABANDONED_MS = 600_000;

const NONE: Finding = { action: 'none' };

/**
 * Returns true if an index entry of the site agrees with the cloud's machine. The poll then need not read the
 * record.
 */
export function agrees(
  entry: Pick<SiteEntry, 'status' | 'backendId'>,
  machine: CloudInstance | undefined,
): boolean {
  if (!machine || entry.backendId !== machine.backendId) return false;
  const isBroken = entry.status === 'Undefined' && machine.status === 'Failed';
  return isBroken || entry.status === machine.status;
}

/**
 * Groups machines by instance id. The instance id comes from the machine's tag. If the tag is missing, the
 * instance id comes from the index entry that has the machine's backend id.
 */
export function machinesById(
  seen: readonly CloudInstance[],
  entries: readonly SiteEntry[],
): Map<string, CloudInstance[]> {
  const isNameless = seen.some(({ instanceId }) => instanceId === undefined);
  const byBackendId = new Map(isNameless ? entries.map((entry) => [entry.backendId, entry.siteSk]) : []);
  const found = new Map<string, CloudInstance[]>();
  for (const machine of seen) {
    const id = machine.instanceId ?? byBackendId.get(machine.backendId);
    if (id === undefined) continue;
    const machines = found.get(id);
    if (machines) machines.push(machine);
    else found.set(id, [machine]);
  }
  return found;
}

/**
 * Finds the machine of a record or index entry by the backend id. If the record or entry has no backend id,
 * returns a machine with the same launch token, or a machine without a launch token.
 *
 * @param machines machines with the instance id of the record or entry
 */
export function machineOf(
  record: Pick<InstanceItem, 'backendId' | 'launchToken'>,
  machines: readonly CloudInstance[],
): CloudInstance | undefined {
  if (record.backendId !== undefined) return machines.find(({ backendId }) => backendId === record.backendId);
  return machines.find(({ launchToken }) => launchToken === undefined || launchToken === record.launchToken);
}

/**
 * Decides what a poll does about one record. Pure.
 *
 * @param nowMs time at which the cloud was asked
 * @param consistencyWindowMs time after a create call, in ms, during which a list may not show the machine
 *   yet
 */
export function compare(
  record: InstanceItem,
  machine: CloudInstance | undefined,
  nowMs: number,
  consistencyWindowMs: number,
): Finding {
  if (isClosed(record.status)) return NONE;
  if (!machine) return missing(record, nowMs, consistencyWindowMs);
  if (record.status === 'Terminating') {
    // A machine in Failed still exists and costs money. It is removed like any other machine.
    if (machine.status === 'Terminated') return closed(record, nowMs);
    if (machine.status === 'Terminating') return NONE;
    return { action: 'terminate', backendId: machine.backendId };
  }
  if (record.backendId === undefined) return { action: 'adopt', machine };
  if (machine.status === 'Failed') {
    const message = machine.failureMessage ?? 'the cloud reports that the machine failed';
    return record.runningAt === undefined
      ? giveUp(machine.failureCode ?? 'CloudFailed', message)
      : broken(record, machine);
  }
  if (record.status === 'Creating') {
    if (machine.status === 'Running') return runs(record, machine, nowMs);
    if (machine.status === 'Terminated' || machine.status === 'Terminating') {
      const message = machine.failureMessage ?? 'the cloud removed the machine before it ran';
      return giveUp(machine.failureCode ?? 'CloudFailed', message);
    }
    if (nowMs >= record.deadlineAtMs) {
      return giveUp('Timeout', 'the instance did not run within its time limit');
    }
    return NONE;
  }
  if (machine.status === 'Terminated') return vanished(nowMs, machine.failureMessage);
  if (machine.status === record.status || machine.status === 'Undefined' || machine.status === 'Creating') {
    return NONE;
  }
  return { action: 'change', to: machine.status, fields: {}, clears: ['trouble'] };
}

function missing(record: InstanceItem, nowMs: number, consistencyWindowMs: number): Finding {
  const sinceMs = Math.max(
    Date.parse(record.launchedAt),
    record.unknownSinceMs ?? 0,
    record.launchState === 'accepted' ? (record.acceptedAtMs ?? 0) : 0,
    record.launchState === 'claimed' ? record.claimUntilMs : 0,
  );
  if (nowMs < sinceMs + consistencyWindowMs) return NONE;
  if (record.status === 'Terminating') return closed(record, nowMs);
  if (record.backendId !== undefined) return { action: 'confirm', backendId: record.backendId };
  // Until the cloud has accepted the create call, the worker with the launch message decides about the
  // record. ABANDONED_MS after the deadline, no such message is left.
  if (record.status !== 'Creating' || nowMs < record.deadlineAtMs + ABANDONED_MS) return NONE;
  return giveUp('Timeout', 'no worker launched the instance within its time limit');
}

/** Returns the change for a machine that the cloud no longer has, although Fleetwright did not remove it. */
export function vanished(nowMs: number, because?: string): Finding {
  return {
    action: 'change',
    to: 'Terminated',
    fields: {
      terminatedAt: new Date(nowMs).toISOString(),
      failure: {
        code: 'Vanished',
        message: because ?? 'the machine no longer exists at the cloud, and Fleetwright did not remove it',
      },
    },
  };
}

function runs(record: InstanceItem, machine: CloudInstance, nowMs: number): Finding {
  return { action: 'change', to: 'Running', fields: fieldsOfRunning(record, machine, nowMs) };
}

/**
 * Returns the change for an instance that has run and that the cloud now reports as failed. The instance
 * becomes Undefined, with the cloud's message, because the instance may run again. The user decides whether
 * to remove the instance.
 */
function broken(
  { status, trouble }: InstanceItem,
  { cloudStatus = 'Failed', failureMessage }: CloudInstance,
): Finding {
  const told = { cloudStatus, ...(failureMessage === undefined ? {} : { message: failureMessage }) };
  const isKnown = status === 'Undefined' && trouble?.cloudStatus === cloudStatus;
  return isKnown && trouble?.message === failureMessage
    ? NONE
    : { action: 'change', to: 'Undefined', fields: { trouble: told } };
}

/**
 * Returns the change for an instance that fails while its machine may exist. The record becomes Terminating.
 * When the machine no longer exists, the record becomes Failed.
 */
function giveUp(code: string, message: string): Finding {
  return { action: 'change', to: 'Terminating', fields: { closeAs: 'Failed', failure: { code, message } } };
}

function closed(record: InstanceItem, nowMs: number): Finding {
  if (record.closeAs === 'Planned') {
    return { action: 'end-attempt', failure: record.failure ?? NOT_STARTED };
  }
  return {
    action: 'change',
    to: record.closeAs ?? 'Terminated',
    fields: { terminatedAt: new Date(nowMs).toISOString() },
  };
}
