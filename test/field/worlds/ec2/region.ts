import type { Machine, Part, PartKind } from './state.ts';
import { Refusal } from './state.ts';

/** Time for which a terminated machine is still listed, in ms. */
const SHOWN_MS = 3_600_000;

/** The resources of one account in one region. */
export class Region {
  readonly name: string;
  readonly zones: readonly string[];
  readonly parts = new Map<string, Part>();
  readonly machines = new Map<string, Machine>();
  /** Network interfaces that belong to no machine of the region. */
  readonly foreignInterfaces: { id: string; vpcId: string }[] = [];
  #made = 0;

  constructor(name: string) {
    this.name = name;
    this.zones = ['a', 'b', 'c'].map((letter) => `${name}${letter}`);
  }

  /** Returns a new id in EC2's form. */
  newId(prefix: string): string {
    this.#made += 1;
    return `${prefix}-0${this.#made.toString(16).padStart(16, '0')}`;
  }

  /** Number of ids made so far. It is used in addresses. */
  get count(): number {
    return this.#made;
  }

  add(part: Part): Part {
    this.parts.set(part.id, part);
    return part;
  }

  partsOf(kind: PartKind): Part[] {
    return [...this.parts.values()].filter((part) => part.kind === kind);
  }

  /** Returns a network resource, a key pair or a launch template. @throws Refusal if it does not exist */
  part(kind: PartKind, id: string, code: string): Part {
    const found = this.parts.get(id);
    if (found?.kind === kind) return found;
    throw new Refusal(400, code, `The ${kind} ID '${id}' does not exist`);
  }

  /** Returns a machine. @throws Refusal if it does not exist */
  machine(id: string): Machine {
    const found = this.machines.get(id);
    if (found) return found;
    throw new Refusal(400, 'InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
  }

  /** Returns the machines that EC2 lists. Machines that ended more than an hour ago are not listed. */
  shown(nowMs: number): Machine[] {
    return [...this.machines.values()].filter(({ endsAtMs }) => (endsAtMs ?? nowMs) + SHOWN_MS > nowMs);
  }
}
