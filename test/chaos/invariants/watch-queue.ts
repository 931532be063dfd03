import * as z from 'zod';
import { launchesIn } from '../../../functions/features/launch-queue/share-message.ts';
import { instanceId } from '../../../functions/model/identifiers.ts';
import { QUEUE_ENTRY_PREFIX } from '../../../functions/platform/store/keys.ts';
import { launchMessageSchema } from '../../../functions/platform/workflow/messages.ts';
import type { Ground } from '../ground/ground.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import { type Violation, violationBy } from './violation.ts';

const entrySchema = z.object({
  pk: z.string(),
  sk: z.string().startsWith(QUEUE_ENTRY_PREFIX),
  message: launchMessageSchema,
});

/**
 * Returns a key for a queue entry. It includes the partition key, because a launch that moves may have an
 * entry with the same sort key at another site.
 */
const keyOf = ({ pk, sk }: z.infer<typeof entrySchema>) => `${pk} ${sk}`;

/**
 * Checks that an entry of a launch queue is deleted only after its message was sent. With the other order, a
 * worker that dies between the two steps loses the launch.
 */
export class QueueWatch {
  readonly #ground: Ground;
  readonly #violations: Violation[];
  readonly #sentAtMs = new Map<string, number>();
  readonly #cameAtMs = new Map<string, number>();

  constructor(ground: Ground, violations: Violation[]) {
    this.#ground = ground;
    this.#violations = violations;
  }

  readonly onSend = (body: string): void => {
    const message = launchMessageSchema.safeParse(JSON.parse(body)).data;
    for (const one of message ? launchesIn(message) : [])
      this.#sentAtMs.set(instanceId(one), this.#ground.now());
  };

  readonly onRow = (before: Item | undefined, after: Item | undefined): void => {
    const came = entrySchema.safeParse(after).data;
    if (came && !before) this.#cameAtMs.set(keyOf(came), this.#ground.now());
    const left = entrySchema.safeParse(before).data;
    if (!left || after) return;
    const sentAtMs = this.#sentAtMs.get(instanceId(left.message)) ?? Number.NEGATIVE_INFINITY;
    if (sentAtMs >= (this.#cameAtMs.get(keyOf(left)) ?? 0)) return;
    const text = `${left.sk} was deleted from the queue at ${left.pk} before its message was sent`;
    this.#violations.push(violationBy('stuck', text, this.#ground.caller));
  };
}
