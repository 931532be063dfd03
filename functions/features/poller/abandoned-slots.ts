import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { isClosed } from '../../model/status.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { SiteRef } from '../../platform/worker/context.ts';
import { machineOf } from './compare.ts';

/** A permit whose worker wrote no claim within this time died with it: the slot is free again. */
export const UNCLAIMED_SLOT_MS = 120_000;

/**
 * Holders of slots whose worker may be about to write their claim: the first one of all, or that of a later round, in
 * the place of a record that is closed or planned. Their slots must not be taken from them.
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
 * Holders of slots that were given up: none was claimed, or claimed again, within the time that a worker has. They may
 * be of workers that are slow, or whose clocks are wrong.
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
    // The cloud took nothing of these, and the worker with the permit to ask again has had its time: no slot for them.
    const isRefused = record?.status === 'Creating' && record.launchState === 'refused';
    if (isRefused) return startMs + UNCLAIMED_SLOT_MS < nowMs ? [id] : [];
    const mayBeClaimed = !record || isClosed(record.status) || isPlannedAt(site, record);
    return mayBeClaimed && !waiting.has(id) ? [id] : [];
  });
}

/** It never ran, and the cloud is removing it: it is being created no more. */
export function isLeaving(
  record: InstanceItem | undefined,
  machines: readonly CloudInstance[] = [],
): boolean {
  if (record?.status !== 'Terminating') return false;
  return machineOf(record, machines)?.status === 'Terminating';
}

const isPlannedAt = (site: SiteRef, record: InstanceItem): boolean =>
  record.status === 'Planned' && sameSite(record, site);
