import { attemptsOf } from '../../../functions/features/ownership/attempts.ts';
import { instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import type { InstanceRecord, ResourceRecord } from '../../../local/sim/engine/records.ts';
import type { Lab } from '../world/lab.ts';

/**
 * Machines and network parts that were made between a backup of the tables and its restore: the restored tables have no
 * record of them, or one that forgot them. They must stand and be reported.
 */
export class ForgottenMachines {
  #backupAtMs: number | undefined;
  #setBackAtMs: number | undefined;

  noteBackup(nowMs: number): void {
    this.#backupAtMs = nowMs;
  }

  noteRestore(nowMs: number): void {
    this.#setBackAtMs = nowMs;
  }

  /** Whether the tables were set back in this run. */
  get isSetBack(): boolean {
    return this.#setBackAtMs !== undefined;
  }

  /** Whether a machine was made between backup and restore. */
  has({ acceptedAtMs }: Pick<InstanceRecord, 'acceptedAtMs'>): boolean {
    return this.#isBetween(acceptedAtMs);
  }

  /** Whether a machine that no record is bound to is excused: it was forgotten, and an operator is told of it. */
  isExcused(lab: Lab, machine: Pick<InstanceRecord, 'acceptedAtMs' | 'backendId'>): boolean {
    return this.has(machine) && isReported(lab, machine.backendId);
  }

  /** As `isExcused`, of a network part. */
  isPartExcused(lab: Lab, part: Pick<ResourceRecord, 'createdAtMs' | 'backendId'>): boolean {
    return this.#isBetween(part.createdAtMs) && isReported(lab, part.backendId);
  }

  #isBetween(atMs: number): boolean {
    if (this.#backupAtMs === undefined || this.#setBackAtMs === undefined) return false;
    return atMs >= this.#backupAtMs && atMs <= this.#setBackAtMs;
  }
}

/** Whether the tables have a finding that tells operators of it. */
export function isReported({ tables }: Lab, backendId: string): boolean {
  return tables.fleets
    .all()
    .some(
      (item) =>
        String(item['pk']).startsWith('ORPHAN#') &&
        item['backendId'] === backendId &&
        item['state'] === 'Reported',
    );
}

/** Whether a record of the tables knows the attempt that made a machine. */
export function hasAttempt(
  { tables }: Lab,
  { ours, launchToken }: { ours: string | undefined; launchToken?: string | undefined },
): boolean {
  return tables.fleets
    .all()
    .filter((item) => String(item['pk']).startsWith('INST#') && item['instanceId'] === ours)
    .flatMap((item) => attemptsOf(instanceItemSchema.parse(item)))
    .some((attempt) => attempt.launchToken === launchToken);
}
