import { attemptsOf } from '../../../functions/features/ownership/attempts.ts';
import { instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import type { InstanceRecord, ResourceRecord } from '../../../local/sim/engine/records.ts';
import type { Lab } from '../world/lab.ts';

/**
 * Machines and network resources that were made between a backup of the tables and its restore. The restored
 * tables have no record of them, or a record that is not bound to them. Sweeps must report them, and must not
 * remove them.
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

  /** True once the tables were restored in this run. */
  get isSetBack(): boolean {
    return this.#setBackAtMs !== undefined;
  }

  /** Returns true if the machine was made between backup and restore. */
  has({ acceptedAtMs }: Pick<InstanceRecord, 'acceptedAtMs'>): boolean {
    return this.#isBetween(acceptedAtMs);
  }

  /**
   * Returns true if the machine may exist without a record: the restored tables forgot it, and a finding
   * reports it.
   */
  isExcused(lab: Lab, machine: Pick<InstanceRecord, 'acceptedAtMs' | 'backendId'>): boolean {
    return this.has(machine) && isReported(lab, machine.backendId);
  }

  /**
   * Returns true if the network resource may exist without a record, for the same reasons as in `isExcused`.
   */
  isPartExcused(lab: Lab, part: Pick<ResourceRecord, 'createdAtMs' | 'backendId'>): boolean {
    return this.#isBetween(part.createdAtMs) && isReported(lab, part.backendId);
  }

  #isBetween(atMs: number): boolean {
    if (this.#backupAtMs === undefined || this.#setBackAtMs === undefined) return false;
    return atMs >= this.#backupAtMs && atMs <= this.#setBackAtMs;
  }
}

/** Returns true if the tables have a finding in state Reported for this id. */
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

/** Returns true if the machine's instance record lists the attempt with the machine's launch token. */
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
