import { parseMachineName } from '../../../functions/drivers/contract/names.ts';
import { type FleetSpec, fleetSpecSchema, type NodeGroup } from '../../../functions/model/fleet.ts';
import { parseInstanceId } from '../../../functions/model/identifiers.ts';
import { onDemandLimit } from '../../../functions/model/market.ts';
import { groupAt, layOut, type Placement } from '../../../functions/platform/placement/lay-out.ts';
import type { InstanceRecord } from '../../../local/sim/engine/records.ts';
import { statusAt } from '../../../local/sim/engine/status.ts';
import type { Ground } from '../ground/ground.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import { violationBy } from './violation.ts';
import type { CloudWatch } from './watch-clouds.ts';

/** A machine on demand, with the node group that it counts for. */
interface Counted {
  record: InstanceRecord;
  fleetId: string;
  group: NodeGroup;
}

/**
 * Checks at each create that no node group has more machines on demand than `maxOnDemandPercent` allows, and that the
 * markets of its machines are those that it asked for. Machines whose records may say that they are gone do not count:
 * those that a fault doubled, and those that the cloud denied for a while, or that vanished.
 */
export class MarketWatch {
  readonly #ground: Ground;
  readonly #watch: CloudWatch;
  readonly #skewMs: number;
  readonly #layouts = new Map<string, readonly Placement[]>();
  readonly #onDemand = new Map<string, Counted>();

  constructor(ground: Ground, watch: CloudWatch, skewMs: number) {
    this.#ground = ground;
    this.#watch = watch;
    this.#skewMs = skewMs;
  }

  readonly onRecord = (_before: Item | undefined, after: Item | undefined): void => {
    if (after?.['sk'] !== 'SPEC') return;
    const spec: FleetSpec | undefined = fleetSpecSchema.safeParse(after).data;
    if (spec) this.#layouts.set(spec.fleetId, layOut(spec));
  };

  readonly onMachine = (record: InstanceRecord, isNew: boolean): void => {
    const known = this.#onDemand.get(record.backendId);
    if (known) known.record = record;
    if (!isNew) return;
    const ref = parseInstanceId(parseMachineName(DEPLOYMENT, record.name)?.instanceId ?? '');
    const group = ref && groupAt(this.#layouts.get(ref.fleetId) ?? [], ref.index)?.group;
    if (!ref || !group) return;
    const { market = 'on-demand', name, backendId } = record;
    const asked = group.markets ?? ['on-demand'];
    if (!asked.includes(market))
      this.#add(`${name} is ${market}, and its node group asked for ${asked.join(', ')}`);
    if (market !== 'on-demand') return;
    this.#onDemand.set(backendId, { record, fleetId: ref.fleetId, group });
    const limit = onDemandLimit(group);
    if (limit === undefined || this.#skewMs > 0) return;
    const nowMs = this.#ground.now();
    const standing = [...this.#onDemand.values()].filter(
      (one) =>
        one.fleetId === ref.fleetId && one.group.name === group.name && this.#counts(one.record, nowMs),
    );
    if (standing.length > limit) {
      const text = `node group ${group.name} of ${ref.fleetId} has ${standing.length} machines on demand, and may have ${limit}`;
      this.#add(text);
    }
  };

  #counts(machine: InstanceRecord, nowMs: number): boolean {
    if (machine.vanished || statusAt(machine, nowMs) === 'Terminated') return false;
    return !this.#watch.mayBeTakenForGone(machine) && !this.#watch.forgotten.has(machine);
  }

  #add(text: string): void {
    this.#ground.trace.add('INVARIANT', `limit: ${text}`);
    this.#watch.violations.push(violationBy('limit', text, this.#ground.caller));
  }
}
