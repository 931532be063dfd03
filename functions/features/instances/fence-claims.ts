import { type InstanceRef, instanceId, launchToken } from '../../model/identifiers.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { firstRecord } from './claim.ts';
import { applyChanges } from './outcomes.ts';

/**
 * Keeps claims from being written that workers decided about before now, so that the slots which they would be made under
 * can be given to others. How long such a worker has been silent is read off a clock, which may be wrong, and it may be
 * slow instead of dead: it finds its record changed, and asks for a permit again.
 *
 * @param refs positions at the site that have a slot and no machine
 * @param records those of them that stand, as they were read after the slots
 * @returns ids of the instances of which no earlier claim can be written any more
 */
export async function fenceClaims(
  context: WorkerContext,
  site: SiteRef,
  refs: readonly InstanceRef[],
  records: ReadonlyMap<string, InstanceItem>,
): Promise<string[]> {
  const fenced = await Promise.all(
    refs.map(async (ref) => {
      const record = records.get(instanceId(ref));
      const isFenced = record
        ? await updateInstance(context.store, record, { claimUntilMs: record.claimUntilMs + 1 })
        : await fenceFirstClaim(context, site, ref);
      return isFenced ? [instanceId(ref)] : [];
    }),
  );
  return fenced.flat();
}

/** A position that nothing was claimed of yet is Planned by a record of its own, which the next claim takes the place of. */
async function fenceFirstClaim(
  context: WorkerContext,
  site: SiteRef,
  { fleetId, index }: InstanceRef,
): Promise<boolean> {
  const placement = await readPlacement(context.store, fleetId, site.connectionKey, site.location);
  // A launch of a round claims nothing once launching is paused: a later round sends its own launches.
  if (placement?.launching !== 'on') return true;
  const { firstSentAtMs: _notSent, ...first } = await firstRecord(context, {
    fleetId,
    index,
    ...site,
    round: placement.round,
  });
  const record = {
    ...first,
    status: 'Planned' as const,
    attempt: 0,
    launchToken: launchToken(first.instanceId, 0),
    launchState: 'refused' as const,
    claimUntilMs: 0,
  };
  const { applied } = await applyChanges(context, [{ kind: 'claim', record }]);
  return applied.length > 0;
}
