import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { Failure } from '../../model/failure.ts';
import { SPOT_INTERRUPTED, VANISHED } from '../../model/lost-machine.ts';
import type { InstanceStatus } from '../../model/status.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { ClearableField, InstanceFields } from '../../platform/store/transition.ts';

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
  /**
   * The list does not show the machine. Read the machine by id to see whether it vanished. `isEarly`: the list may be
   * older than the machine.
   */
  | { action: 'confirm'; backendId: string; isEarly?: true };

const NOT_STARTED: Failure = { code: 'CloudFailed', message: 'the cloud did not start the machine' };
/** Messages of failures for which the cloud has given no reason. */
export const NO_REASON = {
  failed: 'the cloud reports that the machine failed',
  removed: 'the cloud removed the machine before it ran',
  leaving: 'the cloud is removing the machine, and Fleetwright did not request that',
  gone: 'the machine no longer exists at the cloud, and Fleetwright did not remove it',
  goneEarly: 'the machine ceased to exist at the cloud before it ran',
} as const;
const WITHOUT_REASON: ReadonlySet<string> = new Set(Object.values(NO_REASON));

/** Returns true if the cloud has given no reason for a failure with this message. */
export const isWithoutReason = (message: string): boolean => WITHOUT_REASON.has(message);

export const NONE: Finding = { action: 'none' };

/**
 * Returns the change for a machine that the cloud no longer has.
 *
 * @param machine what the cloud shows of it; undefined if the cloud shows nothing
 */
export function whenGone(record: InstanceItem, nowMs: number, machine?: CloudInstance): Finding {
  const because = machine?.failureMessage;
  if (record.status === 'Terminating') return closed(record, nowMs, because);
  if (record.status !== 'Creating') return vanished(nowMs, machine);
  const failure = { code: lossCode(machine), message: because ?? NO_REASON.goneEarly };
  return {
    action: 'change',
    to: 'Failed',
    fields: { failure, terminatedAt: new Date(nowMs).toISOString() },
  };
}

/**
 * Returns true if a finding records that a machine failed or is going, and the cloud has given no reason. A list may
 * leave out the reason. An answer about this one machine may contain it.
 */
export function lacksReason(finding: Finding): boolean {
  if (finding.action !== 'change') return false;
  const { failure, trouble } = finding.fields;
  if (trouble) return trouble.message === undefined;
  return failure !== undefined && isWithoutReason(failure.message);
}

/** Returns the failure code of a machine whose end nothing of ours requested. */
export const lossCode = (machine: CloudInstance | undefined): string =>
  machine?.isInterrupted ? SPOT_INTERRUPTED : VANISHED;

/** Returns the change for a machine that the cloud no longer has, although Fleetwright did not remove it. */
function vanished(nowMs: number, machine?: CloudInstance): Finding {
  return {
    action: 'change',
    to: 'Terminated',
    fields: {
      terminatedAt: new Date(nowMs).toISOString(),
      failure: {
        code: lossCode(machine),
        message: machine?.failureMessage ?? NO_REASON.gone,
      },
    },
  };
}

/**
 * Returns the change for an instance that has run and that the cloud now reports as failed. The instance
 * becomes Undefined, with the cloud's message, because the instance may run again. The user decides whether
 * to remove the instance.
 */
export function broken(
  { status, trouble }: InstanceItem,
  { cloudStatus = 'Failed', failureMessage }: CloudInstance,
): Finding {
  const told = { cloudStatus, ...(failureMessage === undefined ? {} : { message: failureMessage }) };
  // A list may leave out a reason that the record already has.
  const isKnown = status === 'Undefined' && trouble?.cloudStatus === cloudStatus;
  return isKnown && (failureMessage === undefined || trouble?.message === failureMessage)
    ? NONE
    : { action: 'change', to: 'Undefined', fields: { trouble: told } };
}

/**
 * Returns the change for an instance that fails while its machine may exist. The record becomes Terminating.
 * When the machine no longer exists, the record becomes Failed.
 */
export function giveUp(code: string, message: string): Finding & { action: 'change' } {
  return { action: 'change', to: 'Terminating', fields: { closeAs: 'Failed', failure: { code, message } } };
}

/** Returns the change for an instance whose machine failed, or was removed by the cloud, before it ran. */
export function giveUpBroken(machine: CloudInstance, message: string): Finding {
  const { failureCode, failureQuota, isInterrupted } = machine;
  const finding = giveUp(isInterrupted ? SPOT_INTERRUPTED : (failureCode ?? 'CloudFailed'), message);
  if (failureCode !== 'QuotaExceeded') return finding;
  return { ...finding, fields: { ...finding.fields, exceededQuota: failureQuota ?? {} } };
}

export function closed(record: InstanceItem, nowMs: number, because?: string): Finding {
  const { failure, closeAs = 'Terminated' } = record;
  const told =
    failure && because !== undefined && isWithoutReason(failure.message)
      ? { ...failure, message: because }
      : failure;
  if (closeAs === 'Planned') return { action: 'end-attempt', failure: told ?? NOT_STARTED };
  const fields = {
    terminatedAt: new Date(nowMs).toISOString(),
    ...(told === failure ? {} : { failure: told }),
  };
  return { action: 'change', to: closeAs, fields };
}
