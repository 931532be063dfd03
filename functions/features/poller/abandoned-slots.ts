import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { isClosed } from '../../model/status.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { SiteRef } from '../../platform/worker/context.ts';
import { machineOf } from './compare.ts';

/** If a worker writes no claim within this time after its permit, it counts as dead. Its slot is free again. */
export const UNCLAIMED_SLOT_MS = 120_000;

/**
 * Returns holders whose worker may be about to write its claim. It may be the first claim, or the claim of a later
 * round on a record that is closed or Planned. These holders keep their slots.
 */
export function aboutToClaim(
  staleHolders: Holders,
  records: ReadonlyMap<string, InstanceItem>,
  site: SiteRef,
  nowMs: number,
): Set<string> {
  const holders = Object.entries(staleHolders).filter(([id, sinceMs]) => {
    const record = records.get(id);
    const isOpen = !record || isClosed(record.status) || isPlannedAt(site, record);
    return isOpen && sinceMs + UNCLAIMED_SLOT_MS >= nowMs;
  });
  return new Set(holders.map(([id]) => id));
}

/**
 * Returns holders whose worker wrote no claim in time. The worker may also be slow, or its clock wrong. Therefore the
 * caller fences the claim before the slot goes back.
 */
export function abandonedSlots(
  staleHolders: Holders,
  waiting: ReadonlySet<string>,
  records: ReadonlyMap<string, InstanceItem>,
  site: SiteRef,
  nowMs: number,
): string[] {
  return Object.entries(staleHolders).flatMap(([id, startMs]) => {
    const record = records.get(id);
    // The cloud refused this attempt. The worker that holds the permit to repeat it has not repeated it in time.
    const isRefused = record?.status === 'Creating' && record.launchState === 'refused';
    if (isRefused) return startMs + UNCLAIMED_SLOT_MS < nowMs ? [id] : [];
    const mayBeClaimed = !record || isClosed(record.status) || isPlannedAt(site, record);
    return mayBeClaimed && !waiting.has(id) ? [id] : [];
  });
}

/** Returns true if an instance never ran and the cloud is removing it. It needs no slot any more. */
export function isLeaving(
  record: InstanceItem | undefined,
  machines: readonly CloudInstance[] = [],
): boolean {
  if (record?.status !== 'Terminating') return false;
  return machineOf(record, machines)?.status === 'Terminating';
}

const isPlannedAt = (site: SiteRef, record: InstanceItem): boolean =>
  record.status === 'Planned' && sameSite(record, site);
