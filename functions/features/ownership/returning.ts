import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { isEndedUnasked } from '../../model/lost-machine.ts';
import { type InstanceStatus, isClosed } from '../../model/status.ts';
import type { AttemptItem, InstanceItem } from '../../platform/store/instances.ts';
import type { ClearableField, InstanceFields } from '../../platform/store/transition.ts';
import { addressChange } from './addresses.ts';
import { attemptsAfter, attemptsOf } from './attempts.ts';

/**
 * Returns true if an instance may take back a machine that vanished and has reappeared. The machine must be
 * the instance's last machine, and the removal of the instance must not have been requested. The write that
 * reopens the record also checks that the fleet has not ended. Pure.
 */
export function mayReturn(record: InstanceItem, machine: CloudInstance): boolean {
  return hasVanished(record, machine) && record.endAskedAtMs === undefined;
}

/**
 * Returns true if a machine was the instance's last machine, and the record says that the machine vanished.
 * Pure.
 */
export function hasVanished(record: InstanceItem, machine: CloudInstance): boolean {
  return vanishedAttempt(record, machine) !== undefined;
}

/**
 * Returns true if the cloud removes the machine of a record in Terminating, and neither a user nor a worker has
 * requested that. If the cloud gives up the removal, the instance goes on.
 */
export function isLeavingUnasked({ status, closeAs, failure }: InstanceItem): boolean {
  return status === 'Terminating' && closeAs === undefined && isEndedUnasked(failure);
}

/** The change to the record of a machine that has reappeared. */
export interface Return {
  to: InstanceStatus;
  /** Location of the machine. After the machine vanished, the instance may have moved to another location. */
  location: string;
  fields: InstanceFields;
  clears: readonly ClearableField[];
}

/**
 * Derives the change to the record of a machine that vanished and has reappeared. Pure.
 *
 * @returns undefined if the record must not change: the cloud is still creating or removing the machine, the
 *   removal of the instance was requested, or another attempt of the instance may have a machine
 */
export function returnOf(record: InstanceItem, machine: CloudInstance, nowMs: number): Return | undefined {
  const attempt = vanishedAttempt(record, machine);
  if (!attempt || !mayReturn(record, machine)) return undefined;
  if (!isClosed(record.status) && record.status !== 'Planned') return undefined;
  const state = stateOf(record, machine, nowMs);
  if (!state) return undefined;
  const isPresent = attempt.launchToken === record.launchToken;
  const { launchToken, firstSentAtMs, closedAtMs, idempotencyKeys, market, onDemandSeats } = attempt;
  const bound: InstanceFields = {
    launchToken,
    firstSentAtMs,
    launchState: 'accepted',
    backendId: machine.backendId,
    acceptedAtMs: closedAtMs ?? nowMs,
    market: market ?? 'on-demand',
    ...(onDemandSeats === undefined ? {} : { onDemandSeats }),
    ...(idempotencyKeys === undefined ? {} : { idempotencyKeys }),
    ...(isPresent
      ? {}
      : {
          earlierAttempts: attemptsAfter(record, nowMs).filter((one) => one.launchToken !== launchToken),
        }),
  };
  const clears: ClearableField[] = ['terminatedAt', 'closedAtMs', ...addressChange(record, machine).clears];
  if (state.fields.failure === undefined) clears.push('failure');
  if (state.fields.closeAs === undefined) clears.push('closeAs');
  if (state.fields.trouble === undefined) clears.push('trouble');
  if (bound.idempotencyKeys === undefined) clears.push('idempotencyKeys');
  if (onDemandSeats === undefined) clears.push('onDemandSeats');
  return { to: state.to, location: attempt.location, fields: { ...bound, ...state.fields }, clears };
}

function vanishedAttempt(record: InstanceItem, { backendId }: CloudInstance): AttemptItem | undefined {
  const [latest, ...others] = attemptsOf(record);
  if (latest?.backendId === backendId) return latest.vanished ? latest : undefined;
  // If the latest attempt had another machine, that machine has replaced the vanished one.
  if (latest?.backendId !== undefined) return undefined;
  const attempt = others.find((one) => one.backendId !== undefined);
  return attempt?.backendId === backendId && attempt.vanished ? attempt : undefined;
}

function stateOf(
  record: InstanceItem,
  machine: CloudInstance,
  nowMs: number,
): Pick<Return, 'to' | 'fields'> | undefined {
  const { runningAt } = record;
  const { status, cloudStatus = 'Failed', failureCode, failureMessage, zone } = machine;
  const addresses = {
    ...addressChange(record, machine).fields,
    ...(zone === undefined ? {} : { zone }),
  };
  switch (status) {
    case 'Running':
      return { to: status, fields: { ...addresses, runningAt: runningAt ?? new Date(nowMs).toISOString() } };
    case 'Suspending':
    case 'Suspended':
    case 'Resuming':
    case 'Rebooting':
    case 'Undefined':
      return { to: status, fields: addresses };
    case 'Failed': {
      const message = failureMessage ?? 'the cloud reports that the machine failed';
      // The machine is removed, because the instance never ran.
      if (runningAt === undefined) {
        return {
          to: 'Terminating',
          fields: { closeAs: 'Failed', failure: { code: failureCode ?? 'CloudFailed', message } },
        };
      }
      return { to: 'Undefined', fields: { ...addresses, trouble: { cloudStatus, message } } };
    }
    case 'Planned':
    case 'Creating':
    case 'Terminating':
    case 'Terminated':
      return undefined;
  }
}
