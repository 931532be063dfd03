import { instanceId } from '../model/identifiers.ts';
import { readPlacement } from '../store/placements.ts';
import type { PlaceRef, WorkerContext } from '../worker/context.ts';
import type { LaunchMessage } from '../workflow/messages.ts';
import { freeSlots } from './free-slots.ts';

/**
 * Gives back the slots of launches that make no call any more. While the gate is open for a later round, a launch of that
 * one has the same slot, and may be making its call under it: who comes from an earlier round leaves it alone.
 */
export async function freeUnneededSlots(
  context: WorkerContext,
  place: PlaceRef,
  messages: readonly LaunchMessage[],
): Promise<void> {
  const byFleet = Map.groupBy(messages, ({ fleetId }) => fleetId);
  const unneeded = await Promise.all(
    [...byFleet].map(async ([fleetId, ofFleet]) => {
      const { connectionKey, location } = place;
      const placement = await readPlacement(context.store, fleetId, connectionKey, location);
      if (placement?.gate !== 'open') return ofFleet;
      return ofFleet.filter(({ round }) => round >= placement.round);
    }),
  );
  await freeSlots(context, place, unneeded.flat().map(instanceId));
}
