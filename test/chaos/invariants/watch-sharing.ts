import * as z from 'zod';
import { membershipSchema } from '../../../functions/platform/store/networks.ts';
import type { InstanceRecord } from '../../../local/sim/engine/records.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import type { Lab } from '../world/lab.ts';
import type { ForgottenMachines } from './forgotten-machines.ts';
import { type Violation, violationBy } from './violation.ts';
import type { CloudWatch } from './watch-clouds.ts';

const sharedSchema = z.object({
  pk: z.string(),
  sk: z.string(),
  name: z.string(),
  status: z.string(),
  users: z.number(),
  backendId: z.string().optional(),
  cidr: z.string().optional(),
});
type Shared = z.infer<typeof sharedSchema>;

const isShared = ({ pk }: Item) => String(pk).startsWith('SHARED#');
const sharedOf = (items: readonly Item[]): Shared[] =>
  items.filter(isShared).map((item) => sharedSchema.parse(item));

const membershipsOf = (items: readonly Item[]) =>
  items.flatMap((item) => {
    const parsed = membershipSchema.safeParse(item);
    return parsed.success ? [parsed.data] : [];
  });

/**
 * Checks each change of the network resources that fleets share: none is taken out of use while a fleet uses it or a
 * machine is in it, and no fleet joins one that is being removed or is gone.
 */
export class SharingWatch {
  readonly #lab: Lab;
  readonly #watch: CloudWatch;

  constructor(lab: Lab, watch: CloudWatch) {
    this.#lab = lab;
    this.#watch = watch;
  }

  readonly onRecord = (before: Item | undefined, after: Item | undefined): void => {
    if (!after) return;
    if (isShared(after) && after['status'] === 'Deleting' && before === undefined) this.#onRemoval(after);
    const joined = membershipSchema.safeParse(after).data;
    if (joined)
      this.#onJoin(
        joined.fleetId,
        joined.resources.map(({ name }) => name),
      );
  };

  #onRemoval(item: Item): void {
    const { name, backendId } = sharedSchema.parse(item);
    const items = this.#lab.tables.fleets.all();
    for (const { fleetId, resources } of membershipsOf(items))
      if (resources.some((one) => one.name === name))
        this.#add(`${name} is taken out of use, and fleet ${fleetId} uses it`);
    if (backendId === undefined) return;
    for (const machine of this.#lab.clouds.machines()) {
      const { networkId, securityGroupIds, keyPairId, status, vanished, ours } = machine;
      if (ours === undefined || status === 'Terminated' || vanished) continue;
      if (this.#watch.mayBeTakenForGone(machine) || this.#watch.forgotten.has(machine)) continue;
      if ([networkId, ...securityGroupIds, keyPairId].includes(backendId))
        this.#add(`${name} is taken out of use, and the machine ${machine.backendId} of ${ours} needs it`);
    }
  }

  #onJoin(fleetId: string, names: readonly string[]): void {
    const leaving = this.#lab.tables.fleets
      .all()
      .filter(
        (item) =>
          (isShared(item) && item['status'] === 'Deleting') || String(item['pk']).startsWith('SHARED-GONE#'),
      );
    for (const name of names)
      if (leaving.some((item) => item['name'] === name))
        this.#add(`fleet ${fleetId} uses ${name}, which is being removed`);
  }

  #add(text: string): void {
    this.#lab.ground.trace.add('INVARIANT', `record: ${text}`);
    this.#watch.violations.push(violationBy('record', text, this.#lab.ground.caller));
  }
}

const rangeSchema = z.object({ cidr: z.string(), name: z.string().optional() });

/** Returns the names of the shared network resources that have a record. */
export const sharedNames = (lab: Lab): string[] => sharedOf(lab.tables.fleets.all()).map(({ name }) => name);

/** A machine, and the network resources that it needs. */
type Housed = Pick<InstanceRecord, 'networkId' | 'securityGroupIds'>;

const isIn = ({ networkId, securityGroupIds }: Housed, backendId: string): boolean =>
  [networkId, ...securityGroupIds].includes(backendId);

/** Returns true if the machine is in a shared network resource that has a record. The resource cannot be removed. */
export const isInShared = (lab: Lab, machine: Housed): boolean =>
  sharedOf(lab.tables.fleets.all()).some(
    ({ backendId }) => backendId !== undefined && isIn(machine, backendId),
  );

/**
 * Returns true if a resource cannot be removed because of a machine that restored tables forgot. Sweeps report such a
 * machine, and do not remove it. The network of a security group that cannot be removed stands as well.
 */
function isKeptByForgotten(lab: Lab, { backendId }: Shared, forgotten: ForgottenMachines): boolean {
  if (backendId === undefined) return false;
  return lab.clouds
    .machines()
    .filter((machine) => machine.status !== 'Terminated' && forgotten.isExcused(lab, machine))
    .some((machine) => isIn(machine, backendId));
}

/**
 * Checks a run at rest: each shared resource counts its users, no unused one is left, each network has a range that no
 * other one has, and no range is taken for a network that is gone.
 */
export function checkSharing(lab: Lab, forgotten: ForgottenMachines): Violation[] {
  const items = lab.tables.fleets.all();
  const shared = sharedOf(items);
  const used = membershipsOf(items).flatMap(({ resources }) => resources.map(({ name }) => name));
  const violations: Violation[] = shared.flatMap((resource): Violation[] => {
    const { name, users, status } = resource;
    const real = used.filter((one) => one === name).length;
    if (real !== users) return [{ kind: 'counter', text: `${name} counts ${users} users, and has ${real}` }];
    if (users > 0 || isKeptByForgotten(lab, resource, forgotten)) return [];
    return [{ kind: 'leaked', text: `${name} is ${status}, and no fleet uses it` }];
  });
  const names = new Set(shared.map(({ name }) => name));
  for (const name of new Set(used))
    if (!names.has(name))
      violations.push({ kind: 'record', text: `a fleet uses ${name}, which has no record` });
  const ranges = items
    .filter(({ pk }) => String(pk).startsWith('RANGES#'))
    .flatMap((item) => z.array(rangeSchema).parse(item['ranges']));
  // A range without a name is reserved for a site, and stays without a network.
  const taken = ranges.filter(({ name }) => name !== undefined);
  const reserved = ranges.filter(({ name }) => name === undefined).map(({ cidr }) => cidr);
  const inUse = shared.flatMap(({ name, cidr }) => (cidr === undefined ? [] : [`${cidr} ${name}`]));
  const recorded = taken.map(({ cidr, name }) => `${cidr} ${name}`);
  if (new Set(reserved).size < reserved.length)
    violations.push({ kind: 'duplicated', text: `a range is reserved twice: ${reserved.join()}` });
  if (inUse.toSorted().join() !== recorded.toSorted().join())
    violations.push({ kind: 'record', text: `ranges in use: ${inUse.join()}; taken: ${recorded.join()}` });
  if (new Set(taken.map(({ cidr }) => cidr)).size < taken.length)
    violations.push({ kind: 'duplicated', text: `a range is taken twice: ${recorded.join()}` });
  return violations;
}
