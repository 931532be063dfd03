import type { CloudVolume } from '../../drivers/contract/capabilities.ts';
import { CLOCK_SKEW_MS } from '../../model/clock-skew.ts';
import type { AttemptItem, InstanceItem } from '../../platform/store/instances.ts';
import { attemptsOf } from './attempts.ts';
import type { Proof, ProofTerms } from './prove-machine.ts';

/** A volume as a cloud showed it, with its location. */
export interface ShownVolume {
  volume: CloudVolume;
  location: string;
}

/**
 * Returns whether a call of this deployment created a volume. Tags and name alone prove nothing, because a volume that
 * was restored from a backup has them, too. The proof is the creation time: it lies within the attempt whose launch
 * token the volume carries. Clouds tell no idempotency key of a volume. Pure.
 *
 * @param record record of the instance whose id the volume carries
 */
export function proveVolume(
  { volume, location }: ShownVolume,
  record: InstanceItem | undefined,
  { longestCreateMs }: Pick<ProofTerms, 'longestCreateMs'>,
): Proof {
  const attempt = record && attemptOf({ volume, location }, record);
  const { createdAtMs } = volume;
  if (!attempt || createdAtMs === undefined) return 'unproven';
  const { firstSentAtMs, closedAtMs = Number.POSITIVE_INFINITY } = attempt;
  const isOfAttempt =
    createdAtMs >= firstSentAtMs - CLOCK_SKEW_MS &&
    createdAtMs <= closedAtMs + longestCreateMs + CLOCK_SKEW_MS;
  return isOfAttempt ? 'proven' : 'copy';
}

/** Returns the attempt whose launch token a volume carries; undefined if the record does not have it. Pure. */
export function attemptOf(
  { volume: { launchToken }, location }: ShownVolume,
  record: InstanceItem,
): AttemptItem | undefined {
  return attemptsOf(record).find((one) => one.launchToken === launchToken && one.location === location);
}
