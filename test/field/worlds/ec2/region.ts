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
  /** Number of further machines for which a zone has room. A zone that is absent is never full. */
  readonly room = new Map<string, number>();
  /** Number of requests that were refused because their zone was full. */
  refusedAsFull = 0;
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

  /**
   * Takes room in a zone: for as many machines as possible, from `min` to `max`.
   *
   * @returns the number of machines
   * @throws Refusal InsufficientInstanceCapacity if there is no room for `min` machines
   */
  take(zone: string, min: number, max: number, type: string): number {
    const left = this.room.get(zone);
    if (left === undefined) return max;
    if (left < min) {
      this.refusedAsFull += 1;
      const words = `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${zone}). Our system will be working on provisioning additional capacity.`;
      throw new Refusal(500, 'InsufficientInstanceCapacity', words);
    }
    this.room.set(zone, left - Math.min(left, max));
    return Math.min(left, max);
  }

  /** Returns the machines that EC2 lists. Machines that ended more than an hour ago are not listed. */
  shown(nowMs: number): Machine[] {
    return [...this.machines.values()].filter(({ endsAtMs }) => (endsAtMs ?? nowMs) + SHOWN_MS > nowMs);
  }
}
