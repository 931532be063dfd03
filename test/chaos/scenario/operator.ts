import { z } from 'zod';
import { parseConnectionKey } from '../../../functions/model/identifiers.ts';
import type { Lab } from '../world/lab.ts';
import type { Client } from './client.ts';

const LOOK_MS = 60_000;
const heldSchema = z.object({
  pk: z.string().startsWith('HOLD#'),
  connectionKey: z.string(),
  hold: z.object({ because: z.string() }),
});

/** An operator, who continues sweeps whenever they wait, but not for a while after the tables were set back. */
export class Operator {
  readonly #lab: Lab;
  readonly #client: Client;
  readonly #isLeftHeld: () => boolean;

  /** @param isLeftHeld whether the operator continues nothing now: who ends one hold of a connection ends them all */
  constructor(lab: Lab, client: Client, isLeftHeld: () => boolean) {
    this.#lab = lab;
    this.#client = client;
    this.#isLeftHeld = isLeftHeld;
  }

  /** Goes on until the world ends. */
  async watch(): Promise<never> {
    const { ground } = this.#lab;
    for (;;) {
      await ground.sleep(LOOK_MS);
      if (this.#isLeftHeld()) continue;
      for (const connectionKey of this.#held()) {
        const { name } = parseConnectionKey(connectionKey);
        ground.counts.continuedSweeps += await this.#client.continueSweeps(name);
      }
    }
  }

  #held(): ReadonlySet<string> {
    const held = this.#lab.tables.fleets.all().map((item) => heldSchema.safeParse(item).data);
    return new Set(held.flatMap((one) => one?.connectionKey ?? []));
  }
}
