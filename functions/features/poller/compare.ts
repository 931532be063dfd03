import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { isClosed } from '../../model/status.ts';
import type { InstanceItem, SiteEntry } from '../../platform/store/instances.ts';
import { fieldsOfRunning } from '../instances/record-running.ts';
import { addressChange } from '../ownership/addresses.ts';
import { isLeavingUnasked } from '../ownership/returning.ts';
import {
  broken,
  closed,
  type Finding,
  giveUp,
  giveUpBroken,
  lossCode,
  NO_REASON,
  NONE,
  whenGone,
} from './finding.ts';

/**
 * Time in ms after the cloud accepted a create call. If a list does not show the machine after that, the machine is
 * read by id, even within the consistency window. Before that, most lists are only late.
 */
const LATE_LIST_MS = 10_000;
/**
 * Time in ms after an instance's deadline. Until this time is over, polls leave a record without a machine to
 * the worker with the launch message. Afterwards, a poll fails the instance.
 */
const ABANDONED_MS = 600_000;

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
  if (record.status === 'Terminating') return whileTerminating(record, machine, nowMs);
  if (record.backendId === undefined) return { action: 'adopt', machine };
  if (machine.status === 'Failed') {
    const message = machine.failureMessage ?? NO_REASON.failed;
    return record.runningAt === undefined ? giveUpBroken(machine, message) : broken(record, machine);
  }
  return record.status === 'Creating'
    ? whileCreating(record, machine, nowMs)
    : afterCreating(record, machine, nowMs);
}

function whileTerminating(record: InstanceItem, machine: CloudInstance, nowMs: number): Finding {
  if (machine.status === 'Terminated') return whenGone(record, nowMs, machine);
  if (machine.status === 'Terminating') return NONE;
  // A machine in Failed still exists and costs money. It is removed like any other machine.
  if (!isLeavingUnasked(record)) return { action: 'terminate', backendId: machine.backendId };
  const stays = machine.status === 'Failed' ? broken(record, machine) : follows(record, machine);
  return stays.action === 'change' ? { ...stays, clears: ['failure', ...(stays.clears ?? [])] } : stays;
}

function whileCreating(record: InstanceItem, machine: CloudInstance, nowMs: number): Finding {
  // A machine that is stopped has booted before.
  if (machine.status === 'Running' || machine.status === 'Suspended') {
    const fields = fieldsOfRunning(record, machine, nowMs);
    return { action: 'change', to: machine.status, fields };
  }
  if (machine.status === 'Terminated' || machine.status === 'Terminating') {
    return giveUpBroken(machine, machine.failureMessage ?? NO_REASON.removed);
  }
  if (nowMs >= record.deadlineAtMs) {
    return giveUp('Timeout', 'the instance did not run within its time limit');
  }
  return NONE;
}

function afterCreating(record: InstanceItem, machine: CloudInstance, nowMs: number): Finding {
  if (machine.status === 'Terminated') return whenGone(record, nowMs, machine);
  if (machine.status === 'Terminating') {
    const message = machine.failureMessage ?? NO_REASON.leaving;
    const fields = { failure: { code: lossCode(machine), message } };
    return { action: 'change', to: 'Terminating', fields, clears: ['trouble'] };
  }
  return follows(record, machine);
}

/** Returns the change after which a record shows its machine's status, addresses and type. */
function follows(record: InstanceItem, machine: CloudInstance): Finding {
  const { status, instanceType } = machine;
  if (status === 'Undefined' || status === 'Creating') return NONE;
  const { fields, clears } = addressChange(record, machine);
  const isResized = instanceType !== undefined && instanceType !== record.instanceType;
  const news = { ...fields, ...(isResized ? { instanceType } : {}) };
  if (status === record.status) {
    const hasNews = Object.keys(news).length > 0 || clears.length > 0;
    return hasNews ? { action: 'change', to: status, fields: news, clears } : NONE;
  }
  return { action: 'change', to: status, fields: news, clears: ['trouble', ...clears] };
}

/**
 * Decides about a record whose machine the list does not show. Within the consistency window, the list proves
 * nothing. If the machine's id is known, the machine is then read by id, except in the first moments after its create
 * call.
 */
function missing(record: InstanceItem, nowMs: number, consistencyWindowMs: number): Finding {
  const { status, backendId, deadlineAtMs } = record;
  const sinceMs = lastCallMs(record);
  if (nowMs < sinceMs + consistencyWindowMs) {
    const isListLate = status === 'Creating' && nowMs < sinceMs + LATE_LIST_MS;
    return backendId === undefined || isListLate ? NONE : { action: 'confirm', backendId, isEarly: true };
  }
  if (status === 'Terminating' && !isLeavingUnasked(record)) return closed(record, nowMs);
  if (backendId !== undefined) return { action: 'confirm', backendId };
  // Until the cloud has accepted the create call, the worker with the launch message decides about the
  // record. ABANDONED_MS after the deadline, no such message is left.
  if (status !== 'Creating' || nowMs < deadlineAtMs + ABANDONED_MS) return NONE;
  return giveUp('Timeout', 'no worker launched the instance within its time limit');
}

/** Returns the latest time at which a create call for the record may have taken effect, in ms. */
export function lastCallMs(record: InstanceItem): number {
  return Math.max(
    Date.parse(record.launchedAt),
    record.unknownSinceMs ?? 0,
    record.launchState === 'accepted' ? (record.acceptedAtMs ?? 0) : 0,
    record.launchState === 'claimed' ? record.claimUntilMs : 0,
  );
}
