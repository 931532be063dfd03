import type { CloudVolume } from '../../drivers/contract/capabilities.ts';
import type { DiskFields } from '../../model/disk.ts';
import { isClosed } from '../../model/status.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { ProofTerms } from '../ownership/prove-machine.ts';
import { proveVolume } from '../ownership/prove-volume.ts';
import { isKept } from '../volumes/volume-fate.ts';
import type { Verdict } from './classify.ts';

/** What an instance's record and its node group say about a volume that carries the instance's id. */
export interface Claimant {
  record: InstanceItem;
  /** Absent: the fleet has no such node group. */
  group?: DiskFields | undefined;
}

/**
 * Decides whether a record claims a volume. Pure. A volume that a machine uses is left to the machine. A volume without a
 * machine is claimed while its launch may still use it, or while the poll removes it. A copy, which no call of that launch
 * made, is not claimed.
 *
 * @returns `keep`: the volume is kept on purpose, and no record says so yet
 */
export function classifyVolume(
  volume: CloudVolume,
  claimant: Claimant | undefined,
  { location, terms }: { location: string; terms: Pick<ProofTerms, 'longestCreateMs'> },
): Verdict | 'keep' {
  const shown = { volume, location };
  if (claimant && isKept(shown, claimant.record, claimant.group, terms)) return 'keep';
  if (volume.attachedTo !== undefined) return { claimed: true };
  if (!claimant) return { claimed: false, reason: 'no-record' };
  const { record } = claimant;
  const isOfAttempt = volume.launchToken === record.launchToken && record.location === location;
  const isOpen = !isClosed(record.status) && record.status !== 'Planned';
  const proof = proveVolume(shown, record, terms);
  if (isOfAttempt && isOpen && proof !== 'copy') return { claimed: true };
  if (proof !== 'proven') return { claimed: false, reason: proof };
  return { claimed: false, reason: isOfAttempt ? 'record-closed' : 'earlier-attempt' };
}
