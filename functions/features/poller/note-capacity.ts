import { recordFeedback } from '../../platform/governor/create-feedback.ts';
import { typeFor } from '../../platform/placement/choose-type.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import { governed } from '../../platform/worker/context.ts';
import type { Applied } from './apply-changes.ts';
import type { Poll } from './poll.ts';

/**
 * Tells the governor which zones had no capacity for machines that the cloud had accepted. A cloud may accept a launch,
 * and end its machine for lack of capacity before the machine runs.
 */
export async function noteCapacity(
  { context, site, opened }: Poll,
  { written, after }: Applied,
): Promise<void> {
  const ended = [...after.values()].filter(
    ({ instanceId, status, failure }) =>
      written.has(instanceId) && status === 'Terminating' && failure?.code === 'InsufficientCapacity',
  );
  if (ended.length === 0) return;
  const feedback = await Promise.all(
    ended.map(async ({ fleetId, index, location, zone, instanceType }) => {
      const group = groupAt((await context.layout(fleetId)).placements, index)?.group;
      if (!group) return [];
      const type = typeFor(group, location, instanceType);
      return [{ kind: 'no-capacity' as const, wanted: { instanceType: type.name, zone } }];
    }),
  );
  await recordFeedback(context.store, governed(site, opened), feedback.flat(), []);
}
