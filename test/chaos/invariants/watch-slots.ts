import * as z from 'zod';
import { parseMachineName } from '../../../functions/drivers/contract/names.ts';
import { siteStateSchema } from '../../../functions/platform/governor/site-state.ts';
import type { InstanceRecord } from '../../../local/sim/engine/records.ts';
import { statusAt } from '../../../local/sim/engine/status.ts';
import type { Ground } from '../ground/ground.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import { type Violation, violationBy } from './violation.ts';

const keySchema = z.object({ pk: z.string(), sk: z.string() });

/**
 * Checks that each machine holds a slot from its create call until it runs, has failed or is gone. A slot
 * that two machines use is reported immediately, even if the cloud's own limit is not exceeded. Machines and
 * slots are matched by location and instance, because a rotated connection may use another account.
 */
export class SlotWatch {
  readonly #ground: Ground;
  readonly #violations: Violation[];
  readonly #mayBeTakenForGone: (machine: InstanceRecord) => boolean;
  /** Maps the partition key of a site to the ids of the instances that hold slots there. */
  readonly #holders = new Map<string, ReadonlySet<string>>();
  /**
   * Machines for which a cloud has accepted a create request. The outer key has location and instance, the
   * inner key is the machine's id.
   */
  readonly #creating = new Map<string, Map<string, InstanceRecord>>();

  constructor(
    ground: Ground,
    violations: Violation[],
    mayBeTakenForGone: (machine: InstanceRecord) => boolean,
  ) {
    this.#ground = ground;
    this.#violations = violations;
    this.#mayBeTakenForGone = mayBeTakenForGone;
  }

  /** @param isNew true if the cloud has just accepted the request */
  readonly onMachine = (record: InstanceRecord, isNew: boolean): void => {
    const { name, location, backendId } = record;
    const id = parseMachineName(DEPLOYMENT, name)?.instanceId;
    if (id === undefined) return;
    const machines = this.#creating.get(`${location} ${id}`) ?? new Map<string, InstanceRecord>();
    this.#creating.set(`${location} ${id}`, machines.set(backendId, record));
    const isCreating = statusAt(record, this.#ground.now()) === 'Creating';
    const hasSlot = [...this.#holders].some(([pk, ids]) => locationOf(pk) === location && ids.has(id));
    if (isNew && isCreating && !hasSlot)
      this.#add(`${backendId} of ${id} is created at ${location} without a slot`);
  };

  readonly onRow = (before: Item | undefined, after: Item | undefined): void => {
    const key = keySchema.safeParse(after ?? before).data;
    if (!key?.pk.startsWith('CALL#') || key.sk !== 'create') return;
    const still = holdersOf(after);
    this.#holders.set(key.pk, still);
    const nowMs = this.#ground.now();
    for (const id of holdersOf(before)) {
      if (still.has(id)) continue;
      for (const one of this.#creating.get(`${locationOf(key.pk)} ${id}`)?.values() ?? [])
        if (statusAt(one, nowMs) === 'Creating' && !this.#mayBeTakenForGone(one))
          this.#add(`the slot of ${id} at ${key.pk} was given back while ${one.backendId} is being created`);
    }
  };

  #add(text: string): void {
    this.#ground.trace.add('INVARIANT', `limit: ${text}`);
    this.#violations.push(violationBy('limit', text, this.#ground.caller));
  }
}

/** @param pk `CALL#<connection key>#<location>` */
const locationOf = (pk: string): string => pk.slice(pk.lastIndexOf('#') + 1);

function holdersOf(item: Item | undefined): Set<string> {
  return new Set(Object.keys(item ? siteStateSchema.parse(item).holders : {}));
}
