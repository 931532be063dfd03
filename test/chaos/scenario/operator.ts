import * as z from 'zod';
import { parseConnectionKey } from '../../../functions/model/identifiers.ts';
import type { Lab } from '../world/lab.ts';
import type { Client } from './client.ts';

const LOOK_MS = 60_000;
const heldSchema = z.object({
  pk: z.string().startsWith('HOLD#'),
  connectionKey: z.string(),
  hold: z.object({ because: z.string() }),
});

/**
 * An operator who checks each minute and continues sweeps that are on hold. For a while after a restore, the
 * operator leaves sweeps on hold.
 */
export class Operator {
  readonly #lab: Lab;
  readonly #client: Client;
  readonly #isLeftHeld: () => boolean;

  /**
   * @param isLeftHeld returns true while the operator continues no sweep. This applies to all sweeps, because
   *   one request ends every hold of a connection
   */
  constructor(lab: Lab, client: Client, isLeftHeld: () => boolean) {
    this.#lab = lab;
    this.#client = client;
    this.#isLeftHeld = isLeftHeld;
  }

  /** Checks each minute until the end of virtual time. */
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
