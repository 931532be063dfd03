import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { isClosed } from '../../model/status.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { SiteRef } from '../../platform/worker/context.ts';
import { machineOf } from './compare.ts';

/**
 * Maximum time from the start time of a permit to the worker's claim, in ms. If there is no claim after this
 * time, polls treat the worker as dead, and give the slot back.
 */
export const UNCLAIMED_SLOT_MS = 120_000;

/**
 * Returns the instance ids of slot holders whose worker may be about to write a claim. The instance has no
 * record yet, or a record that is closed or Planned, and the permit started at most UNCLAIMED_SLOT_MS ago.
 * These instances keep their slots.
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
 * Returns the instance ids of slot holders whose worker has not used its permit in time. The worker may be
 * slow, or have a wrong clock. Before the caller gives the slot back, the caller must therefore fence the
 * claim: if the worker writes the claim later, the write fails.
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
    // The cloud refused the create call, and a worker has a permit to repeat it. The slot is abandoned if
    // that worker has not repeated the call in time.
    const isRefused = record?.status === 'Creating' && record.launchState === 'refused';
    if (isRefused) return startMs + UNCLAIMED_SLOT_MS < nowMs ? [id] : [];
    const mayBeClaimed = !record || isClosed(record.status) || isPlannedAt(site, record);
    return mayBeClaimed && !waiting.has(id) ? [id] : [];
  });
}

/**
 * Returns true if the cloud is already removing the machine of an instance in Terminating. The instance then
 * needs no slot.
 */
export function isLeaving(
  record: InstanceItem | undefined,
  machines: readonly CloudInstance[] = [],
): boolean {
  if (record?.status !== 'Terminating') return false;
  return machineOf(record, machines)?.status === 'Terminating';
}

const isPlannedAt = (site: SiteRef, record: InstanceItem): boolean =>
  record.status === 'Planned' && sameSite(record, site);
