import type { Key } from '../../../functions/platform/store/keys.ts';
import type { Ground } from '../ground/ground.ts';
import type { Item } from '../models/dynamo/evaluate.ts';

/** Keys of things outside the tables, beside those of items. */
export const machineKey = (backendId: string): Key => ({ pk: 'MACHINE', sk: backendId });
export const parameterKey = (name: string): Key => ({ pk: 'PARAMETER', sk: name });

/**
 * Remembers which module of the product changed each item, parameter and machine last. It knows none in a run without a
 * trace.
 */
export class LastWriters {
  readonly #ground: Ground;
  readonly #modules = new Map<string, string>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Remembers that the call that takes effect just now changed the thing with this key. */
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
