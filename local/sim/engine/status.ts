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

/** When the create call is answered, and the instance can be seen. */
export function createdAtMs({ acceptedAtMs, submitMs }: Times): number {
  return acceptedAtMs + submitMs;
}

/** When the boot ends, well or not. */
export function bootedAtMs(record: Times): number {
  return createdAtMs(record) + record.bootMs;
}

/** No timer moves an instance on: its status at any time follows from what is written down. */
export function statusAt(record: Times, atMs: number): SimStatus {
  if (record.terminatedAtMs !== undefined && atMs >= record.terminatedAtMs) return 'Terminated';
  if (record.removeAskedAtMs !== undefined && atMs >= record.removeAskedAtMs) return 'Terminating';
  if (atMs < bootedAtMs(record)) return 'Creating';
  return record.failsToBoot ? 'Failed' : poweredAt(record, atMs);
}

/** What each request leaves from, goes through and comes to. */
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

/** Whether lists show it. Terminated instances are shown in the books only. */
export function isVisibleAt(record: Times & Pick<InstanceRecord, 'hiddenUntilMs'>, atMs: number): boolean {
  if (record.hiddenUntilMs !== undefined && atMs < record.hiddenUntilMs) return false;
  return atMs >= createdAtMs(record) && statusAt(record, atMs) !== 'Terminated';
}

/** When it came to run; undefined when it has not, or was removed or failed before. */
export function ranAtMs(record: Times, nowMs: number): number | undefined {
  const bootedAt = bootedAtMs(record);
  if (record.failsToBoot || bootedAt > nowMs) return undefined;
  if (record.removeAskedAtMs !== undefined && record.removeAskedAtMs < bootedAt) return undefined;
  return bootedAt;
}
