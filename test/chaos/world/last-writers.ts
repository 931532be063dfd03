import type { Key } from '../../../functions/platform/store/keys.ts';
import type { Ground } from '../ground/ground.ts';
import type { Item } from '../models/dynamo/evaluate.ts';

/** Keys of things outside of the tables. Items have keys of the same form. */
export const machineKey = (backendId: string): Key => ({ pk: 'MACHINE', sk: backendId });
export const parameterKey = (name: string): Key => ({ pk: 'PARAMETER', sk: name });

/**
 * Remembers which product file last changed each item, parameter and machine. Without a trace, it remembers
 * nothing.
 */
export class LastWriters {
  readonly #ground: Ground;
  readonly #modules = new Map<string, string>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Notes that the call that takes effect at this moment changed the thing with this key. */
  note({ pk, sk }: Key): void {
    const { caller } = this.#ground;
    if (caller !== undefined) this.#modules.set(`${pk} ${sk}`, caller);
  }

  readonly onWrite = (before: Item | undefined, after: Item | undefined): void => {
    const item = after ?? before;
    if (item) this.note({ pk: String(item['pk']), sk: String(item['sk']) });
  };

  of({ pk, sk }: Key): string | undefined {
    return this.#modules.get(`${pk} ${sk}`);
  }
}
