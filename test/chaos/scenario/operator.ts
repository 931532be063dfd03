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

/** An operator who looks each minute and continues sweeps that hold, except for a while after a restore. */
export class Operator {
  readonly #lab: Lab;
  readonly #client: Client;
  readonly #isLeftHeld: () => boolean;

  /** @param isLeftHeld true while the operator continues no sweep at all: continuing ends every hold of a connection */
  constructor(lab: Lab, client: Client, isLeftHeld: () => boolean) {
    this.#lab = lab;
    this.#client = client;
    this.#isLeftHeld = isLeftHeld;
  }

  /** Runs until the end of virtual time. */
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
