import { isClosed, isTransitional } from '../../model/status.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { SiteRef } from '../../platform/worker/context.ts';
import { abandonedSlots, aboutToClaim, isLeaving } from './abandoned-slots.ts';
import type { Applied } from './apply-changes.ts';
import type { Observed } from './poll.ts';

/** What becomes of the slots of a site, and of the steps that wait for their holders. */
export interface SlotDecision {
  /** Holders whose worker may be about to write its claim: their slots are left alone. */
  claiming: ReadonlySet<string>;
  /** Holders that were given up. Their slots go back once no earlier claim can be written any more. */
  abandoned: readonly string[];
  /** Records whose steps are to be told how they ended, with the slots that they hold. */
  ended: readonly InstanceItem[];
  /** Records that are elsewhere: the worker that moved them died before it sent their launch. */
  moved: readonly InstanceItem[];
  /** Holders that never ran and are being removed. */
  leaving: readonly string[];
}

/** Decides by the records as they stand after the writes. Pure. */
export function decideSlots(
  { picked: { staleHolders }, machines }: Pick<Observed, 'picked' | 'machines'>,
  { written, after }: Applied,
  site: SiteRef,
  nowMs: number,
): SlotDecision {
  const claiming = aboutToClaim(staleHolders, after, site, nowMs);
  const records = [...after.values()];
  return {
    claiming,
    abandoned: abandonedSlots(staleHolders, claiming, after, site, nowMs),
    ended: records.filter(
      ({ instanceId }) =>
        written.has(instanceId) || (instanceId in staleHolders && !claiming.has(instanceId)),
    ),
    moved: records.filter((record) => record.instanceId in staleHolders && record.location !== site.location),
    leaving: Object.keys(staleHolders).filter((id) => isLeaving(after.get(id), machines.get(id))),
  };
}

/** How many of what a poll read are still in transition, its slots among them. Pure. */
export function stillInTransition(
  { after }: Applied,
  { claiming, abandoned }: SlotDecision,
  fenced: ReadonlySet<string>,
): number {
  const records = [...after.values()].filter(({ status }) => isTransitional(status)).length;
  return records + claiming.size + abandoned.filter((id) => !fenced.has(id)).length;
}

/** Ids of holders whose slots are of no more use to them. Pure. */
export function unusedSlots(
  { after }: Applied,
  { leaving }: SlotDecision,
  fenced: ReadonlySet<string>,
): string[] {
  const given = [...fenced].filter((id) => !isClosed(after.get(id)?.status ?? 'Planned'));
  return [...given, ...leaving];
}
