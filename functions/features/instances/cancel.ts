import { siteName } from '../../platform/store/keys.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { endAwait } from '../fleets/await-launches.ts';
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
  const placements = new Map(
    attempts.map(({ message: { fleetId, connectionKey, location } }) => [
      `${fleetId} ${siteName(connectionKey, location)}`,
      { fleetId, connectionKey, location },
    ]),
  );
  for (const placement of placements.values()) await endAwait(context, placement, []);
  await freeUnneededSlots(
    context,
    attempts.map(({ message }) => message),
  );
}
