import type { InstanceRecord } from './records.ts';
import type { PowerKind } from './requests.ts';

export type SimStatus =
  | 'Creating'
  | 'Running'
  | 'Suspending'
  | 'Suspended'
  | 'Resuming'
  | 'Rebooting'
  | 'Failed'
  | 'Terminating'
  | 'Terminated';

type Times = Pick<
  InstanceRecord,
  'acceptedAtMs' | 'submitMs' | 'bootMs' | 'failsToBoot' | 'removeAskedAtMs' | 'terminatedAtMs' | 'power'
>;

/** Returns the time when the create call is answered and the instance becomes visible. */
export function createdAtMs({ acceptedAtMs, submitMs }: Times): number {
  return acceptedAtMs + submitMs;
}

/** Returns the time when the boot ends, whether it succeeds or fails. */
export function bootedAtMs(record: Times): number {
  return createdAtMs(record) + record.bootMs;
}

/** Computes an instance's status at a time from its record. No timer changes an instance. */
export function statusAt(record: Times, atMs: number): SimStatus {
  if (record.terminatedAtMs !== undefined && atMs >= record.terminatedAtMs) return 'Terminated';
  if (record.removeAskedAtMs !== undefined && atMs >= record.removeAskedAtMs) return 'Terminating';
  if (atMs < bootedAtMs(record)) return 'Creating';
  return record.failsToBoot ? 'Failed' : poweredAt(record, atMs);
}

/** For each request: the status before, during and after it. */
const POWER = {
  stop: ['Running', 'Suspending', 'Suspended'],
  start: ['Suspended', 'Resuming', 'Running'],
  reboot: ['Running', 'Rebooting', 'Running'],
} as const satisfies Record<PowerKind, readonly SimStatus[]>;

function poweredAt({ power }: Times, atMs: number): SimStatus {
  if (!power) return 'Running';
  const [before, meanwhile, after] = POWER[power.kind];
  if (atMs < power.askedAtMs) return before;
  return atMs < power.doneAtMs ? meanwhile : after;
}

/** Returns true if lists show the instance. Only the books (the clouds' own record) show terminated instances. */
export function isVisibleAt(record: Times & Pick<InstanceRecord, 'hiddenUntilMs'>, atMs: number): boolean {
  if (record.hiddenUntilMs !== undefined && atMs < record.hiddenUntilMs) return false;
  return atMs >= createdAtMs(record) && statusAt(record, atMs) !== 'Terminated';
}

/**
 * Returns when the instance began to run. Undefined if it does not run yet, or if it failed or was removed
 * before it ran.
 */
export function ranAtMs(record: Times, nowMs: number): number | undefined {
  const bootedAt = bootedAtMs(record);
  if (record.failsToBoot || bootedAt > nowMs) return undefined;
  if (record.removeAskedAtMs !== undefined && record.removeAskedAtMs < bootedAt) return undefined;
  return bootedAt;
}
