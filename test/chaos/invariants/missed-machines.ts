import { attemptsOf } from '../../../functions/features/ownership/attempts.ts';
import { parseFleetItem } from '../../../functions/platform/store/fleets.ts';
import { type InstanceItem, instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import type { InstanceRecord } from '../../../local/sim/engine/records.ts';
import type { Lab } from '../world/lab.ts';
import type { Violation } from './violation.ts';

/** Statuses of a fleet whose machines are all to be removed, or are gone. */
const ENDING = new Set(['Terminating', 'Terminated', 'RollingBack', 'RolledBack']);

/**
 * Running machines whose existence the cloud denied for a time. When the cloud shows such a machine again, a
 * worker may remove it only for a reason in the records. `check` reports each removal without such a reason.
 */
export class MissedMachines {
  /** Accounts that no credential reached for a while. */
  readonly accounts = new Set<string>();
  readonly #ids = new Set<string>();
  #setBackAtMs = Number.NEGATIVE_INFINITY;

  note(machines: readonly Pick<InstanceRecord, 'backendId'>[]): void {
    for (const { backendId } of machines) this.#ids.add(backendId);
  }

  /**
   * Notes a restore of the tables. The restored records do not say why a machine was removed before the
   * restore.
   */
  noteRestore(nowMs: number): void {
    this.#setBackAtMs = nowMs;
  }

  /** Returns true if a record may say that this machine is gone although the machine runs. */
  has({ backendId, account }: Pick<InstanceRecord, 'backendId' | 'account'>): boolean {
    return this.#ids.has(backendId) || this.accounts.has(account);
  }

  check({ clouds, tables }: Lab): Violation[] {
    const items = tables.fleets.all();
    const fleets = items
      .filter(({ pk, sk }) => sk === 'META' && String(pk).startsWith('FLEET#'))
      .map(parseFleetItem);
    const ending = new Set(fleets.flatMap(({ fleetId, status }) => (ENDING.has(status) ? [fleetId] : [])));
    const records = new Map(
      items
        .filter(({ pk }) => String(pk).startsWith('INST#'))
        .map((item) => instanceItemSchema.parse(item))
        .map((record) => [record.instanceId, record]),
    );
    return clouds.machines().flatMap(({ backendId, ours, removeAskedAtMs, vanished }): Violation[] => {
      if (!this.#ids.has(backendId) || removeAskedAtMs === undefined || vanished) return [];
      if (removeAskedAtMs <= this.#setBackAtMs) return [];
      const record = records.get(ours ?? '');
      if (!record || ending.has(record.fleetId) || wasToGo(record, backendId)) return [];
      return [
        {
          kind: 'lost',
          text: `${backendId} of ${ours} was removed after its return, without a reason in the records`,
        },
      ];
    });
  }
}

/** Returns true if the instance was to be removed, has failed permanently, or got another machine. */
function wasToGo(record: InstanceItem, backendId: string): boolean {
  if (record.endAskedAtMs !== undefined) return true;
  const { failure, closeAs } = record;
  if (closeAs !== undefined || (failure !== undefined && failure.code !== 'Vanished')) return true;
  const attempts = attemptsOf(record);
  return attempts.findIndex((one) => one.backendId === backendId) !== 0;
}
