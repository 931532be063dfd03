import { parseMachineName } from '../../../functions/drivers/contract/names.ts';
import type { InstanceRecord, SimEvent } from '../../../local/sim/engine/records.ts';
import { statusAt } from '../../../local/sim/engine/status.ts';
import type { Ground } from '../ground/ground.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import { ForgottenMachines } from './forgotten-machines.ts';
import { MissedMachines } from './missed-machines.ts';
import { type Violation, violationBy } from './violation.ts';

/**
 * Checks each event of the clouds. No launch token may make two machines, no instance may have two machines
 * at a time, and no create call may exceed the cloud's limit of slots. A second machine is allowed if an
 * injected fault of the cloud made it.
 */
export class CloudWatch {
  readonly violations: Violation[] = [];
  readonly #ground: Ground;
  readonly #skewMs: number;
  readonly #machines = new Map<string, InstanceRecord>();
  readonly #twins = new Set<string>();
  /** Maps the id of a network resource at the cloud to the time at which it was removed. */
  readonly goneAtMs = new Map<string, number>();
  readonly #twinned = new Set<string>();
  /** Called with each new or changed machine, except for a second machine that a fault made. */
  onMachine: (record: InstanceRecord, isNew: boolean) => void = () => {};
  #last: InstanceRecord | undefined;

  readonly missed = new MissedMachines();
  readonly forgotten = new ForgottenMachines();

  constructor(ground: Ground, skewMs: number) {
    this.#ground = ground;
    this.#skewMs = skewMs;
  }

  /**
   * Notes that the tables were restored at this moment. A worker repeats each launch that the restored tables
   * forgot. At a cloud that ignores tokens, the repeated launch makes a second machine with the same token.
   */
  noteRestore(): void {
    this.forgotten.noteRestore(this.#ground.now());
    this.missed.noteRestore(this.#ground.now());
    for (const machine of this.#machines.values())
      if (machine.launchToken !== undefined && this.forgotten.has(machine))
        this.#twinned.add(machine.launchToken);
  }

  /**
   * Returns true if a fault or a restore made two machines of this token. The record may be bound to either
   * machine.
   */
  isTwinned({ launchToken }: InstanceRecord): boolean {
    return launchToken !== undefined && this.#twinned.has(launchToken);
  }

  /**
   * Returns true if a worker may believe that an existing machine is gone. There are three possible reasons:
   * the cloud denied for a while that the machine exists, one call made two machines, or clock skew closed
   * the record too early.
   */
  mayBeTakenForGone(machine: InstanceRecord): boolean {
    return this.#skewMs > 0 || this.isTwinned(machine) || this.missed.has(machine);
  }

  /**
   * Checks that a record is closed only when the cloud has no machine of its launch token any more. Clock
   * skew can close a record too early, because the product measures with the clocks of two processes how far
   * a list may lag. Runs with skew are checked only at their end: no machine may be left then.
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
        this.#add('record', `${launchToken} is closed although its machine ${backendId} is ${status}`);
    }
  };

  /**
   * Checks that no record changes from one machine of an attempt to another: the first machine would be left
   * at the cloud.
   */
  #checkBinding(before: Item | undefined, after: Item | undefined): void {
    const [from, to] = [before?.['backendId'], after?.['backendId']];
    if (typeof from !== 'string' || typeof to !== 'string' || from === to) return;
    const token = after?.['launchToken'];
    if (typeof token !== 'string' || before?.['launchToken'] !== token) return;
    this.#add('record', `the record of ${token} was bound to ${from}, but is bound to ${to} now`);
  }

  readonly onEvent = (event: SimEvent): void => {
    const last = this.#last;
    this.#last = event.kind === 'instance' ? event.record : undefined;
    if (event.kind === 'instance' && !event.record.planted) this.#onInstance(event.record, last);
    if (event.kind === 'resource-gone') this.goneAtMs.set(event.backendId, this.#ground.now());
    if (event.kind === 'throttled' && event.violation?.endsWith('Slots')) {
      const { cloud, account, location } = event.site;
      // After a rotation to another account, workers keep their clients for a while, so they use both accounts.
      if (this.#hasPendingTwin(cloud) || this.missed.accounts.has(account)) return;
      this.#add('limit', `${event.violation} of ${cloud}/${location} were exceeded`);
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
      // No worker can learn of a machine that vanished before the first list showed it.
      if (this.#twins.has(other.backendId) || other.vanished || this.missed.has(other)) continue;
      if (this.forgotten.has(other)) continue;
      if (record.launchToken !== undefined && other.launchToken === record.launchToken) {
        this.#add(
          'duplicated',
          `token ${record.launchToken} made two machines, ${other.backendId} and ${record.backendId}`,
        );
      } else if (
        id !== undefined &&
        parseMachineName(DEPLOYMENT, other.name)?.instanceId === id &&
        statusAt(other, nowMs) !== 'Terminated'
      ) {
        this.#add(
          'duplicated',
          `${id} has the machines ${other.backendId} and ${record.backendId} at the same time`,
        );
      }
    }
  }

  /**
   * Returns true if a second machine of a token is being created. The record is bound to one of the two
   * machines. The other machine occupies a slot at the cloud as well.
   */
  #hasPendingTwin(cloud: string): boolean {
    const nowMs = this.#ground.now();
    return [...this.#machines.values()].some(
      (machine) =>
        machine.cloud === cloud && this.isTwinned(machine) && statusAt(machine, nowMs) === 'Creating',
    );
  }

  #add(kind: Violation['kind'], text: string): void {
    this.#ground.trace.add('INVARIANT', `${kind}: ${text}`);
    this.violations.push(violationBy(kind, text, this.#ground.caller));
  }
}
