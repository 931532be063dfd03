import type { CloudInstance, CloudNetworkResource } from '../drivers/driver.ts';
import type { OrphanReason } from '../model/orphan.ts';
import { isClosed, isTransitional } from '../model/status.ts';
import type { InstanceItem } from '../store/instances.ts';
import type { NetworkItem } from '../store/networks.ts';

/** Whether anything of ours claims what a cloud shows. The records must have been read after the cloud was asked. */
export type Verdict = { claimed: true } | { claimed: false; reason: OrphanReason };

const CLAIMED: Verdict = { claimed: true };
const orphaned = (reason: OrphanReason): Verdict => ({ claimed: false, reason });

export interface Asked {
  connectionKey: string;
  location: string;
  /** When the cloud was asked. */
  atMs: number;
  /** Of the driver: for this long, a list may be behind. */
  consistencyWindowMs: number;
}

/**
 * A record always precedes its machine, so a machine that was listed before the records were read, and that none of
 * them claims, will never be claimed. One whose creation is under way is the launch protocol's, not ours.
 */
export function classifyMachine(
  machine: CloudInstance,
  record: InstanceItem | undefined,
  asked: Asked,
): Verdict {
  if (!record) return orphaned('no-record');
  if (record.connectionKey !== asked.connectionKey || record.location !== asked.location) {
    return orphaned('elsewhere');
  }
  const isSame = record.backendId === machine.backendId;
  if (isClosed(record.status)) {
    const isLate =
      record.terminatedAt !== undefined &&
      Date.parse(record.terminatedAt) + asked.consistencyWindowMs >= asked.atMs;
    return isSame && isLate ? CLAIMED : orphaned('record-closed');
  }
  if (record.launchState === 'accepted' && record.backendId !== undefined) {
    return isSame ? CLAIMED : orphaned('duplicate');
  }
  const isOfAttempt = machine.launchToken === undefined || machine.launchToken === record.launchToken;
  return isOfAttempt ? CLAIMED : orphaned('earlier-attempt');
}

/** @param records of the network resources of its fleet at this place */
export function classifyResource(
  { kind, name, backendId }: CloudNetworkResource,
  records: readonly NetworkItem[],
): Verdict {
  const record = records.find((one) => one.kind === kind && one.name === name);
  if (!record) return orphaned('no-record');
  return record.backendId === undefined || record.backendId === backendId ? CLAIMED : orphaned('duplicate');
}

/**
 * Whether a record is bound to a machine that the cloud should show by now. What is in transition is looked at all the
 * time, and needs no sweep.
 */
export function isExpected(record: InstanceItem, { atMs, consistencyWindowMs }: Asked): boolean {
  return (
    record.backendId !== undefined &&
    record.launchState === 'accepted' &&
    !isClosed(record.status) &&
    !isTransitional(record.status) &&
    Math.max(Date.parse(record.launchedAt), record.acceptedAtMs ?? 0) + consistencyWindowMs < atMs
  );
}
