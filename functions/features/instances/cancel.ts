import type { WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { freeUnneededSlots } from '../launch-queue/free-unneeded-slots.ts';
import { lastCallBy } from '../ownership/attempts.ts';
import { applyChanges } from './outcomes.ts';

/**
 * Cancels launches that the launch gate stopped (their fleet no longer launches at the site) and for which
 * the cloud has no machine. If the record of such a launch is in Creating, the record becomes Planned again,
 * because a later round may resume launching.
 */
export async function cancelLaunches(context: WorkerContext, attempts: readonly Attempt[]): Promise<void> {
  if (attempts.length === 0) return;
  const standing = attempts.flatMap(({ record }) => (record?.status === 'Creating' ? [record] : []));
  await applyChanges(
    context,
    standing.map((record) => ({
      kind: 'change',
      record,
      to: 'Planned',
      fields: {
        launchState: 'refused',
        claimUntilMs: 0,
        closedAtMs: lastCallBy(record, context.store.clock.now()),
      },
    })),
  );
  await Promise.all(
    attempts.map(({ message }) => context.tasks.succeed(message.taskToken, { outcome: 'Cancelled' })),
  );
  await freeUnneededSlots(
    context,
    attempts.map(({ message }) => message),
  );
}
