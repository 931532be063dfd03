import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { Failure } from '../../model/failure.ts';
import { type InstanceStatus, isClosed } from '../../model/status.ts';
import type { InstanceItem, SiteEntry } from '../../platform/store/instances.ts';
import type { ClearableField, InstanceFields } from '../../platform/store/transition.ts';
import { fieldsOfRunning } from '../instances/record-running.ts';

/** What a poll decides about one record and the cloud's answer. */
export type Finding =
  | { action: 'none' }
  /** The record follows the cloud. */
  | { action: 'change'; to: InstanceStatus; fields: InstanceFields; clears?: readonly ClearableField[] }
  /** Its attempt is over and the machine is gone: what failed here may be tried elsewhere. */
  | { action: 'end-attempt'; failure: Failure }
  /** A create whose outcome was unknown made this machine after all. */
  | { action: 'adopt'; machine: CloudInstance }
  /** It must go: the record says so, the cloud still has it. */
  | { action: 'terminate'; backendId: string }
  /** The cloud says nothing of it, which may mean that it vanished: ask for it alone. */
  | { action: 'confirm'; backendId: string };

const NOT_STARTED: Failure = { code: 'CloudFailed', message: 'the cloud did not start it' };
/** So long after an instance's time limit, workflow and worker have given it up, if they are still there. */
const ABANDONED_MS = 600_000;

const NONE: Finding = { action: 'none' };

/** An entry of the index that needs no more than a glance: the cloud says what the record says. */
export function agrees(
  entry: Pick<SiteEntry, 'status' | 'backendId'>,
  machine: CloudInstance | undefined,
): boolean {
  if (!machine || entry.backendId !== machine.backendId) return false;
  const isBroken = entry.status === 'Undefined' && machine.status === 'Failed';
  return isBroken || entry.status === machine.status;
}

/** Matches machines to records: by our id, which the cloud carries, or by the backend's id where it lost that. */
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

/** The machine that an entry of the index seems to speak of, among those that carry its id. */
export function machineOf(
  record: Pick<InstanceItem, 'backendId' | 'launchToken'>,
  machines: readonly CloudInstance[],
): CloudInstance | undefined {
  if (record.backendId !== undefined) return machines.find(({ backendId }) => backendId === record.backendId);
  return machines.find(({ launchToken }) => launchToken === undefined || launchToken === record.launchToken);
}

/**
 * Decides what a poll does about one record. Pure: the same record and answer give the same finding.
 *
 * @param nowMs when the cloud was asked
 * @param consistencyWindowMs of the driver: for this long after a create, a list may not show the machine yet
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
    // A machine that has failed is still there, and costs money, until it is removed.
    if (machine.status === 'Terminated') return closed(record, nowMs);
    if (machine.status === 'Terminating') return NONE;
    return { action: 'terminate', backendId: machine.backendId };
  }
  if (record.backendId === undefined) return { action: 'adopt', machine };
  if (machine.status === 'Failed') {
    const message = machine.failureMessage ?? 'the cloud reports that it failed';
    return record.runningAt === undefined ? giveUp('CloudFailed', message) : broken(record, machine);
  }
  if (record.status === 'Creating') {
    if (machine.status === 'Running') return runs(record, machine, nowMs);
    if (machine.status === 'Terminated' || machine.status === 'Terminating') {
      return giveUp('CloudFailed', machine.failureMessage ?? 'the cloud removed it before it ran');
    }
    if (nowMs >= record.deadlineAtMs) {
      return giveUp('Timeout', 'not running within the time allowed for an instance');
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
  // Before the cloud has accepted it, the launch message decides, as long as there is one.
  if (record.status !== 'Creating' || nowMs < record.deadlineAtMs + ABANDONED_MS) return NONE;
  return giveUp('Timeout', 'nobody has taken its launch on within the time allowed for an instance');
}

/** The cloud answered that it has no such machine, although nobody removed it. */
export function vanished(nowMs: number, because?: string): Finding {
  return {
    action: 'change',
    to: 'Terminated',
    fields: {
      terminatedAt: new Date(nowMs).toISOString(),
      failure: { code: 'Vanished', message: because ?? 'gone at the cloud, and not removed by us' },
    },
  };
}

function runs(record: InstanceItem, machine: CloudInstance, nowMs: number): Finding {
  return { action: 'change', to: 'Running', fields: fieldsOfRunning(record, machine, nowMs) };
}

/**
 * What ran once is not given up for a word of the cloud's: it is shown as it is, with that word, and may run again. It
 * is for its owner to say whether it goes.
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

/** It failed after it existed: it has to be removed first, and is Failed when it is gone. */
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
