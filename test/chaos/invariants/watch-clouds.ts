import { parseMachineName } from '../../../functions/drivers/contract/names.ts';
import type { InstanceRecord, SimEvent } from '../../../local/sim/engine/records.ts';
import { statusAt } from '../../../local/sim/engine/status.ts';
import type { Ground } from '../ground/ground.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import { ForgottenMachines } from './forgotten-machines.ts';
import { MissedMachines } from './missed-machines.ts';
import type { Violation } from './violation.ts';

/**
 * Watches what the clouds do, event by event: no launch token makes two machines, no instance has two at a time, no
 * slot is asked for beyond the limit. A second machine that a fault of the cloud made is its own doing.
 */
export class CloudWatch {
  readonly violations: Violation[] = [];
  readonly #ground: Ground;
  readonly #skewMs: number;
  readonly #machines = new Map<string, InstanceRecord>();
  readonly #twins = new Set<string>();
  /** When network parts were removed. */
  readonly goneAtMs = new Map<string, number>();
  readonly #twinned = new Set<string>();
  /** Told of each machine as it is now, but for those that a cloud's fault made beside another. */
  onMachine: (record: InstanceRecord, isNew: boolean) => void = () => {};
  #last: InstanceRecord | undefined;

  readonly missed = new MissedMachines();
  readonly forgotten = new ForgottenMachines();

  constructor(ground: Ground, skewMs: number) {
    this.#ground = ground;
    this.#skewMs = skewMs;
  }

  /**
   * The tables were set back just now. Who launches again what they forgot makes a second machine of one token, where the
   * cloud honours none.
   */
  noteRestore(): void {
    this.forgotten.noteRestore(this.#ground.now());
    this.missed.noteRestore(this.#ground.now());
    for (const machine of this.#machines.values())
      if (machine.launchToken !== undefined && this.forgotten.has(machine))
        this.#twinned.add(machine.launchToken);
  }

  /** Whether two were made of the token of this one, by a fault or for a restore: a record is bound to either. */
  isTwinned({ launchToken }: InstanceRecord): boolean {
    return launchToken !== undefined && this.#twinned.has(launchToken);
  }

  /**
   * Whether all that can be found out of a machine may say that it is gone, though it is there: its cloud denied it, or
   * made another one of the same call, or clocks that are apart have its record closed too early.
   */
  mayBeTakenForGone(machine: InstanceRecord): boolean {
    return this.#skewMs > 0 || this.isTwinned(machine) || this.missed.has(machine);
  }

  /**
   * A record may be closed only when the cloud has nothing of its attempts any more. How long a list may be behind is
   * measured by the clocks of two processes: where those are apart, a record may be closed too early, and it is for the
   * end of the run to show that what it left behind was removed all the same.
   */
  readonly onRecord = (before: Item | undefined, after: Item | undefined): void => {
    this.#checkBinding(before, after);
    if (this.#skewMs > 0) return;
    if (typeof after?.['launchToken'] !== 'string' || after['status'] === before?.['status']) return;
    if (after['status'] !== 'Terminated' && after['status'] !== 'Failed') return;
    const nowMs = this.#ground.now();
    for (const machine of this.#machines.values()) {
      const { backendId, launchToken } = machine;
      if (launchToken !== after['launchToken']) continue;
      if (this.isTwinned(machine) && backendId !== after['backendId']) continue;
      if (this.missed.has(machine)) continue;
      const status = statusAt(machine, nowMs);
      if (status !== 'Terminated')
        this.#add('record', `${launchToken} is closed, and ${backendId} is ${status}`);
    }
  };

  /** Who binds a record to another machine forgets the first one, which stands on. */
  #checkBinding(before: Item | undefined, after: Item | undefined): void {
    const [from, to] = [before?.['backendId'], after?.['backendId']];
    if (typeof from !== 'string' || typeof to !== 'string' || from === to) return;
    const token = after?.['launchToken'];
    if (typeof token !== 'string' || before?.['launchToken'] !== token) return;
    this.#add('record', `${token} was bound to ${from}, and now is bound to ${to}`);
  }

  readonly onEvent = (event: SimEvent): void => {
    const last = this.#last;
    this.#last = event.kind === 'instance' ? event.record : undefined;
    if (event.kind === 'instance' && !event.record.planted) this.#onInstance(event.record, last);
    if (event.kind === 'resource-gone') this.goneAtMs.set(event.backendId, this.#ground.now());
    if (event.kind === 'throttled' && event.violation?.endsWith('Slots')) {
      const { cloud, account, location } = event.site;
      // Workers go on with the clients that they have: for a while, some see one account and some the other.
      if (this.#hasPendingTwin(cloud) || this.missed.accounts.has(account)) return;
      this.#add('limit', `${event.violation} of ${cloud}/${location} exceeded`);
    }
  };

  #onInstance(record: InstanceRecord, last: InstanceRecord | undefined): void {
    const isNew = !this.#machines.has(record.backendId);
    if (isNew && last?.launchToken === record.launchToken && last?.acceptedAtMs === record.acceptedAtMs) {
      this.#twins.add(record.backendId);
      if (record.launchToken !== undefined) this.#twinned.add(record.launchToken);
    }
    if (isNew && !this.#twins.has(record.backendId)) this.#checkNew(record);
    this.#machines.set(record.backendId, record);
    if (!this.#twins.has(record.backendId)) this.onMachine(record, isNew);
  }

  #checkNew(record: InstanceRecord): void {
    const id = parseMachineName(DEPLOYMENT, record.name)?.instanceId;
    const nowMs = this.#ground.now();
    for (const other of this.#machines.values()) {
      // One that vanished before anybody knew of it was never there, for all that can be found out.
      if (this.#twins.has(other.backendId) || other.vanished || this.missed.has(other)) continue;
      if (this.forgotten.has(other)) continue;
      if (record.launchToken !== undefined && other.launchToken === record.launchToken) {
        this.#add(
          'duplicated',
          `token ${record.launchToken} made ${other.backendId} and ${record.backendId}`,
        );
      } else if (
        id !== undefined &&
        parseMachineName(DEPLOYMENT, other.name)?.instanceId === id &&
        statusAt(other, nowMs) !== 'Terminated'
      ) {
        this.#add('duplicated', `${id} is ${other.backendId} and ${record.backendId} at the same time`);
      }
    }
  }

  /** Of two machines of one call, the record is bound to either: the other takes a slot that nothing holds. */
  #hasPendingTwin(cloud: string): boolean {
    const nowMs = this.#ground.now();
    return [...this.#machines.values()].some(
      (machine) =>
        machine.cloud === cloud && this.isTwinned(machine) && statusAt(machine, nowMs) === 'Creating',
    );
  }

  #add(kind: Violation['kind'], text: string): void {
    this.#ground.trace.add('INVARIANT', `${kind}: ${text}`);
    this.violations.push({ kind, text });
  }
}
