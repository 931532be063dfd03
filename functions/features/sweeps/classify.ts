import type { CloudInstance, CloudNetworkResource } from '../../drivers/contract/driver.ts';
import type { OrphanReason } from '../../model/orphan.ts';
import { isClosed, isTransitional } from '../../model/status.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { NetworkRecord } from '../../platform/store/networks.ts';
import { isBoundTo, type ProofTerms, proveMachine } from '../ownership/prove-machine.ts';
import { hasVanished, mayReturn } from '../ownership/returning.ts';

/**
 * Verdict about a machine or network resource that a cloud shows: whether a record claims it and, if not, the
 * reason. The records must have been read after the cloud was asked.
 */
export type Verdict = { claimed: true } | { claimed: false; reason: OrphanReason };

const CLAIMED: Verdict = { claimed: true };
const orphaned = (reason: OrphanReason): Verdict => ({ claimed: false, reason });

export interface Asked {
  location: string;
  /** Time at which the cloud was asked. */
  atMs: number;
  /** The driver's consistency window, in ms. A list may lag behind for this time. */
  consistencyWindowMs: number;
  terms: ProofTerms;
}

/**
 * Decides whether a record claims a machine. Pure.
 *
 * A record is written before its machine is created. Therefore, if no record claims a machine that was listed
 * before the records were read, no record will claim the machine later. While the create call of a machine is
 * under way, the launch decides about the machine.
 *
 * An unclaimed machine whose origin is not proven gets the reason `copy` or `unproven`, because only proven
 * machines may be removed.
 */
export function classifyMachine(
  machine: CloudInstance,
  record: InstanceItem | undefined,
  asked: Asked,
): Verdict {
  if (!record) return orphaned('no-record');
  const { location, atMs, terms } = asked;
  const shown = { machine, location, atMs };
  const isSame = isBoundTo(record, shown, terms);
  if (isSame && (!isClosed(record.status) || isLate(record, asked))) return CLAIMED;
  const proof = proveMachine(shown, record, terms);
  if (isLaunching(record, machine, location)) return proof === 'copy' ? orphaned('copy') : CLAIMED;
  if (proof !== 'proven') return orphaned(proof);
  if (hasVanished(record, machine)) return orphaned(mayReturn(record, machine) ? 'returned' : 'ended');
  if (record.location !== location) return orphaned('elsewhere');
  if (isClosed(record.status)) return orphaned('record-closed');
  const isBound = record.launchState === 'accepted' && record.backendId !== undefined;
  return orphaned(isBound ? 'duplicate' : 'earlier-attempt');
}

/** Returns true if the record's machine ended so recently that a list may still show the machine. */
function isLate({ terminatedAt }: InstanceItem, { atMs, consistencyWindowMs }: Asked): boolean {
  return terminatedAt !== undefined && Date.parse(terminatedAt) + consistencyWindowMs >= atMs;
}

/**
 * Returns true if the record is not yet bound to a machine, and the record's current attempt may have created
 * the machine. Returns false for a Planned record, because its next attempt gets a new token.
 */
function isLaunching(record: InstanceItem, { launchToken }: CloudInstance, location: string): boolean {
  if (isClosed(record.status) || record.status === 'Planned' || record.location !== location) return false;
  if (record.launchState === 'accepted' && record.backendId !== undefined) return false;
  return launchToken === undefined || launchToken === record.launchToken;
}

/** What the record of a network resource says about it. */
type ResourceRecord = Pick<NetworkRecord, 'kind' | 'name' | 'status'> &
  Partial<Pick<NetworkRecord, 'backendId'>>;

/**
 * Decides whether a record claims a network resource. Pure.
 *
 * @param records records of network resources of the same fleet at this site, or of the shared ones, including records
 *   of removed resources
 */
export function classifyResource(
  { kind, name, backendId }: CloudNetworkResource,
  records: readonly ResourceRecord[],
): Verdict {
  const record = records.find((one) => one.kind === kind && one.name === name);
  if (!record) return orphaned('no-record');
  if (record.status === 'Gone') return orphaned('record-closed');
  return record.backendId === undefined || record.backendId === backendId ? CLAIMED : orphaned('duplicate');
}

/**
 * Returns true if a record is bound to a machine that the cloud should show now. Returns false for a record
 * in transition, because polls check such records.
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
