import { type FleetSpec, fleetSpecSchema } from '../../../functions/model/fleet.ts';
import { choicesAt, marketsOf } from '../../../functions/platform/placement/choose-type.ts';
import { instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import { specKey } from '../../../functions/platform/store/keys.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import type { Lab } from '../world/lab.ts';
import { type Violation, violationBy } from './violation.ts';

/**
 * Checks that instance types are tried in the order of the request: an instance gets a type only after it has tried each
 * earlier one that the location offers in the market, at a price that the node group allows. A record whose type changes
 * without a new attempt shows what a user did at the cloud.
 */
export class TypeWatch {
  readonly #lab: Lab;
  readonly #violations: Violation[];
  readonly #specs = new Map<string, FleetSpec>();

  constructor(lab: Lab, violations: Violation[]) {
    this.#lab = lab;
    this.#violations = violations;
  }

  readonly onRecord = (before: Item | undefined, after: Item | undefined): void => {
    if (typeof after?.['instanceType'] !== 'string' || before?.['launchToken'] === after['launchToken'])
      return;
    const record = instanceItemSchema.safeParse(after).data;
    if (!record?.instanceType) return;
    const group = this.#specOf(record.fleetId)?.nodeGroups.find(({ name }) => name === record.nodeGroup);
    if (!group) return;
    const { location, market = marketsOf(group)[0] } = record;
    const names = choicesAt(group, location).flatMap((one) => (one.market === market ? one.type.name : []));
    const earlier = names.slice(0, Math.max(0, names.indexOf(record.instanceType)));
    const untried = earlier.filter((name) => !record.triedTypes?.includes(name));
    if (untried.length === 0) return;
    const text = `${record.instanceId} gets the type ${record.instanceType}, and has not tried ${untried.join(', ')}`;
    this.#lab.ground.trace.add('INVARIANT', `policy: ${text}`);
    this.#violations.push(violationBy('policy', text, this.#lab.ground.caller));
  };

  #specOf(fleetId: string): FleetSpec | undefined {
    const known = this.#specs.get(fleetId);
    if (known) return known;
    const { pk, sk } = specKey(fleetId);
    const spec = fleetSpecSchema.safeParse(this.#lab.tables.fleets.get(pk, sk)).data;
    if (spec) this.#specs.set(fleetId, spec);
    return spec;
  }
}
