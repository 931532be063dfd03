import type { InstanceItem } from '../../platform/store/instances.ts';
import { retakeClaim } from '../../platform/store/transition.ts';
import { claimMsOf, type WorkerContext } from '../../platform/worker/context.ts';
import { type Attempt, claimedBy } from '../launch-queue/attempt.ts';
import { keysWith } from '../ownership/attempts.ts';

/**
 * Takes over the claims of attempts that have no machine at the cloud.
 *
 * @param keys idempotency keys of the upcoming calls, by instance id; empty if the cloud has no idempotency
 *   keys
 * @returns the records whose claims this worker now has, and the attempts that the launch gate stopped,
 *   because their fleet no longer launches at the site
 */
export async function retakeClaims(
  context: WorkerContext,
  attempts: readonly Attempt[],
  keys: ReadonlyMap<string, string>,
): Promise<{ won: InstanceItem[]; stopped: Attempt[] }> {
  const won: InstanceItem[] = [];
  const stopped: Attempt[] = [];
  await Promise.all(
    attempts.map(async (one) => {
      const { record, message } = one;
      if (!record) return;
      const idempotencyKeys = keysWith(record.idempotencyKeys, keys.get(record.instanceId));
      const fields = {
        launchState: 'claimed' as const,
        ...(idempotencyKeys === undefined ? {} : { idempotencyKeys }),
        claimUntilMs: context.store.clock.now() + claimMsOf(context),
        claimedBy: claimedBy(one.delivery),
        round: message.round,
      };
      const outcome = await retakeClaim(context.store, record, fields);
      if (outcome === 'taken') won.push({ ...record, ...fields });
      if (outcome === 'stopped') stopped.push(one);
    }),
  );
  return { won, stopped };
}
