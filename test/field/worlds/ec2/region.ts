import type { Machine, Part, PartKind } from './state.ts';
import { Refusal } from './state.ts';

/** Longer than EC2 shows what has ended. */
const SHOWN_MS = 3_600_000;

/** What one account has in one region. */
export class Region {
  readonly name: string;
  readonly zones: readonly string[];
  readonly parts = new Map<string, Part>();
  readonly machines = new Map<string, Machine>();
  #made = 0;

  constructor(name: string) {
    this.name = name;
    this.zones = ['a', 'b', 'c'].map((letter) => `${name}${letter}`);
  }

  /** An id that was never given before, as EC2 writes them. */
  newId(prefix: string): string {
    this.#made += 1;
    return `${prefix}-0${this.#made.toString(16).padStart(16, '0')}`;
  }

  /** A number for an address. */
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

  /** @throws Refusal when there is none */
  part(kind: PartKind, id: string, code: string): Part {
    const found = this.parts.get(id);
    if (found?.kind === kind) return found;
    throw new Refusal(400, code, `The ${kind} ID '${id}' does not exist`);
  }

  /** @throws Refusal when there is none */
  machine(id: string): Machine {
    const found = this.machines.get(id);
    if (found) return found;
    throw new Refusal(400, 'InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
  }

  /** Machines that EC2 shows: all that have not ended more than an hour ago. */
  shown(nowMs: number): Machine[] {
    return [...this.machines.values()].filter(({ endsAtMs }) => (endsAtMs ?? nowMs) + SHOWN_MS > nowMs);
  }
}
