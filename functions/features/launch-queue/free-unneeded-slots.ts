import { instanceId } from '../../model/identifiers.ts';
import { readHolders } from '../../platform/governor/hold-location.ts';
import { sameSite, siteOf } from '../../platform/placement/lay-out.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { siteName } from '../../platform/store/keys.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';
import { freeSlots } from './free-slots.ts';

/** Value of `startMs` for a launch without a permit. */
const NO_PERMIT_MS = 0;

/**
 * Gives back the slots of launches that make no more create calls.
 *
 * An instance keeps its slot in two cases. First, launching is on for a later round: the launch of that round
 * uses the slot, and may be making its create call. Second, the instance is being created: a worker with
 * another copy of the message claimed the instance before launching ended.
 */
export async function freeUnneededSlots(
  context: WorkerContext,
  messages: readonly LaunchMessage[],
): Promise<void> {
  const bySite = Map.groupBy(messages, ({ connectionKey, location }) => siteName(connectionKey, location));
  for (const there of bySite.values()) {
    const [first] = there;
    if (first) await freeAt(context, siteOf(first), there);
  }
}

async function freeAt(
  context: WorkerContext,
  site: SiteRef,
  messages: readonly LaunchMessage[],
): Promise<void> {
  const held = await readHolders(context.store, site);
  const byFleet = Map.groupBy(messages, ({ fleetId }) => fleetId);
  const unneeded = await Promise.all(
    [...byFleet].map(async ([fleetId, ofFleet]) => {
      const { connectionKey, location } = site;
      const placement = await readPlacement(context.store, fleetId, connectionKey, location);
      if (placement?.launching !== 'on') return ofFleet;
      return ofFleet.filter(({ round }) => round >= placement.round);
    }),
  );
  const messagesOver = unneeded.flat();
  // Reads the records after the placements: once the launch gate stops a launch, no further claim of that
  // launch can be written.
  const records = await readInstances(context.store, messagesOver);
  const slots = messagesOver
    // Includes launches without a slot. `freeSlots` gives nothing back for such launches, but serves the
    // queue, because the worker that enqueued a launch may have died.
    .map((message) => ({
      instanceId: instanceId(message),
      startMs: held[instanceId(message)] ?? NO_PERMIT_MS,
    }))
    .filter((slot) => !isBeingCreated(site, records.get(slot.instanceId)));
  await freeSlots(context, site, slots);
}

function isBeingCreated(site: SiteRef, record: InstanceItem | undefined): boolean {
  if (!record || !sameSite(record, site)) return false;
  const { status, runningAt } = record;
  return status === 'Creating' || (status === 'Terminating' && runningAt === undefined);
}
