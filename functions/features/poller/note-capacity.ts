import { SPOT_INTERRUPTED } from '../../model/lost-machine.ts';
import { recordFeedback } from '../../platform/governor/create-feedback.ts';
import { choiceFor } from '../../platform/placement/choose-type.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import { governed } from '../../platform/worker/context.ts';
import type { Applied } from './apply-changes.ts';
import type { Poll } from './poll.ts';

/** Failure codes of machines that ended because their zone had no capacity. */
const TELLS_NO_CAPACITY: ReadonlySet<string> = new Set(['InsufficientCapacity', SPOT_INTERRUPTED]);

/**
 * Tells the governor which zones had no capacity for machines that the cloud had accepted. A cloud may accept a launch,
 * and end its machine for lack of capacity before the machine runs. A spot machine that is taken back before it runs tells
 * the same of the spot market.
 */
export async function noteCapacity(
  { context, site, opened }: Poll,
  { written, after }: Applied,
): Promise<void> {
  const ended = [...after.values()].filter(
    ({ instanceId, status, failure }) =>
      written.has(instanceId) && status === 'Terminating' && TELLS_NO_CAPACITY.has(failure?.code ?? ''),
  );
  if (ended.length === 0) return;
  const feedback = await Promise.all(
    ended.map(async (record) => {
      const { fleetId, index, location, zone } = record;
      const group = groupAt((await context.layout(fleetId)).placements, index)?.group;
      if (!group) return [];
      const { type, market } = choiceFor(group, location, record);
      const reservation = market === 'reserved' ? { reservationId: group.reservationId } : {};
      const wanted = { instanceType: type.name, zone, market, ...reservation };
      return [{ kind: 'no-capacity' as const, wanted }];
    }),
  );
  await recordFeedback(context.store, governed(site, opened), feedback.flat(), []);
}
