import { isClosed, isTransitional } from '../../model/status.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { SiteRef } from '../../platform/worker/context.ts';
import { abandonedSlots, aboutToClaim, isLeaving } from './abandoned-slots.ts';
import type { Applied } from './apply-changes.ts';
import type { Observed } from './poll.ts';

/** Decision about a site's slots, and about the workflow tasks of the site's instances. */
export interface SlotDecision {
  /** Slot holders whose worker may be about to write its claim. Such a holder keeps its slot. */
  claiming: ReadonlySet<string>;
  /**
   * Slot holders whose worker has not used its permit in time. Such a slot is given back only after the
   * worker's claim is fenced, so that a late write of the claim fails.
   */
  abandoned: readonly string[];
  /** Records whose tasks are to be completed and whose slots are to be given back. */
  ended: readonly InstanceItem[];
  /**
   * Records of instances that have moved to another location and still hold a slot at this site. The worker
   * that moved the instances crashed before it sent their launch messages.
   */
  moved: readonly InstanceItem[];
  /**
   * Records of instances that wait for another attempt at this site, and whose slots are abandoned. The worker
   * that prepared the attempt may have crashed before it sent the launch message.
   */
  waiting: readonly InstanceItem[];
  /** Slot holders whose machines the cloud is already removing. */
  leaving: readonly string[];
}

/** Decides about slots from the records as they are after the writes. Pure. */
export function decideSlots(
  { picked: { staleHolders }, machines }: Pick<Observed, 'picked' | 'machines'>,
  { written, after }: Applied,
  site: SiteRef,
  nowMs: number,
): SlotDecision {
  const claiming = aboutToClaim(staleHolders, after, site, nowMs);
  const records = [...after.values()];
  const abandoned = abandonedSlots(staleHolders, claiming, after, site, nowMs);
  return {
    claiming,
    abandoned,
    waiting: records.filter(
      ({ instanceId, status, location, calledAtMs }) =>
        status === 'Planned' &&
        location === site.location &&
        calledAtMs !== undefined &&
        abandoned.includes(instanceId),
    ),
    ended: records.filter(
      ({ instanceId }) =>
        written.has(instanceId) || (instanceId in staleHolders && !claiming.has(instanceId)),
    ),
    moved: records.filter((record) => record.instanceId in staleHolders && record.location !== site.location),
    leaving: Object.keys(staleHolders).filter((id) => isLeaving(after.get(id), machines.get(id))),
  };
}

/**
 * Returns the number of records in transition among the records that the poll has read, plus the number of
 * slots that a launch may still use. Pure.
 */
export function stillInTransition(
  { after }: Applied,
  { claiming, abandoned }: SlotDecision,
  fenced: ReadonlySet<string>,
): number {
  const records = [...after.values()].filter(({ status }) => isTransitional(status)).length;
  return records + claiming.size + abandoned.filter((id) => !fenced.has(id)).length;
}

/** Returns the ids of slot holders that no longer need their slots. Pure. */
export function unusedSlots(
  { after }: Applied,
  { leaving }: SlotDecision,
  fenced: ReadonlySet<string>,
): string[] {
  const given = [...fenced].filter((id) => !isClosed(after.get(id)?.status ?? 'Planned'));
  return [...given, ...leaving];
}
