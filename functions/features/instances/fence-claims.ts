import { type InstanceRef, instanceId, launchToken } from '../../model/identifiers.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { firstRecord } from './claim.ts';
import { applyChanges } from './outcomes.ts';

/**
 * Fences claims: a worker that has a permit and has not written its claim yet can no longer write it. The
 * slot of that claim can then be given to another launch.
 *
 * A worker that is silent for too long counts as dead. But the worker may only be slow, or a clock may be
 * wrong. The late claim of such a worker fails, because the record has changed. The launch then asks for a
 * new permit.
 *
 * @param refs instances that hold a slot of the site and have no machine
 * @param records existing records of these instances, read after the slots
 * @returns ids of the fenced instances
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

/**
 * Fences an instance that has no record, by writing a Planned record. A late first claim of the instance then
 * fails. The next claim replaces the record.
 */
async function fenceFirstClaim(
  context: WorkerContext,
  site: SiteRef,
  { fleetId, index }: InstanceRef,
): Promise<boolean> {
  const placement = await readPlacement(context.store, fleetId, site.connectionKey, site.location);
  // After launching is paused, no launch of this round can claim the instance. A later round sends its own
  // launches.
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
