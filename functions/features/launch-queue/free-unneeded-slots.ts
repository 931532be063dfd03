import { instanceId } from '../../model/identifiers.ts';
import { readHolders } from '../../platform/governor/hold-location.ts';
import { samePlace } from '../../platform/placement/lay-out.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import type { PlaceRef, WorkerContext } from '../../platform/worker/context.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';
import { freeSlots } from './free-slots.ts';

/** The time of no permit. */
const NO_PERMIT_MS = 0;

/**
 * Gives back the slots of launches that make no call any more. While the gate is open for a later round, a launch of that
 * one has the same slot, and may be making its call under it: a launch of an earlier round leaves it alone. So does one of
 * which another copy made its claim before the gate was closed: what that makes holds the slot. Should a later round begin
 * while this goes on, its launch is let go by a permit of its own, which stays.
 */
export async function freeUnneededSlots(
  context: WorkerContext,
  place: PlaceRef,
  messages: readonly LaunchMessage[],
): Promise<void> {
  const held = await readHolders(context.store, place);
  const byFleet = Map.groupBy(messages, ({ fleetId }) => fleetId);
  const unneeded = await Promise.all(
    [...byFleet].map(async ([fleetId, ofFleet]) => {
      const { connectionKey, location } = place;
      const placement = await readPlacement(context.store, fleetId, connectionKey, location);
      if (placement?.gate !== 'open') return ofFleet;
      return ofFleet.filter(({ round }) => round >= placement.round);
    }),
  );
  const messagesOver = unneeded.flat();
  // Read after the gate: behind that, nothing is claimed any more.
  const records = await readInstances(context.store, messagesOver);
  const slots = messagesOver
    // Where none was held, none goes back, and the line is served all the same: who put a launch there may have died.
    .map((message) => ({
      instanceId: instanceId(message),
      startMs: held[instanceId(message)] ?? NO_PERMIT_MS,
    }))
    .filter((slot) => !isBeingCreated(place, records.get(slot.instanceId)));
  await freeSlots(context, place, slots);
}

function isBeingCreated(place: PlaceRef, record: InstanceItem | undefined): boolean {
  if (!record || !samePlace(record, place)) return false;
  const { status, runningAt } = record;
  return status === 'Creating' || (status === 'Terminating' && runningAt === undefined);
}
