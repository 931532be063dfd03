import type { InstanceItem } from '../store/instances.ts';

/** What to do about a launch message, given how far earlier deliveries came. */
export type LaunchStep =
  /** Nobody took it yet: claim it and create. */
  | { step: 'claim' }
  /** The cloud is known to have nothing of this attempt: take the claim over and create. */
  | { step: 'create'; record: InstanceItem }
  /** The call may have reached the cloud, and enough time has passed for a look-up to prove it. */
  | { step: 'look-up'; record: InstanceItem }
  /** The cloud has it, the status loop will answer; it must answer this token. */
  | { step: 'hand-over'; record: InstanceItem }
  | { step: 'wait'; waitMs: number }
  | { step: 'answer'; outcome: LaunchOutcome };

export type LaunchOutcome = 'Running' | 'Failed' | 'Cancelled';

/** What the workflow is told of an instance in this status; undefined while nothing is certain. */
export function outcomeOf(record: Pick<InstanceItem, 'status' | 'closeAs'>): LaunchOutcome | undefined {
  switch (record.status) {
    case 'Planned':
    case 'Creating':
      return undefined;
    case 'Failed':
      return 'Failed';
    case 'Terminated':
      return 'Cancelled';
    case 'Terminating':
      return record.closeAs === 'Failed' ? 'Failed' : 'Cancelled';
    default:
      return 'Running';
  }
}

/**
 * Decides from the record alone, so that a message may come twice, late, or after its worker died.
 *
 * @param consistencyWindowMs of the driver: before it has passed, "not found" proves nothing
 */
export function nextStep(
  record: InstanceItem | undefined,
  nowMs: number,
  consistencyWindowMs: number,
): LaunchStep {
  if (!record) return { step: 'claim' };
  const outcome = outcomeOf(record);
  if (outcome) return { step: 'answer', outcome };
  switch (record.launchState) {
    case 'accepted':
      return { step: 'hand-over', record };
    case 'refused':
      return { step: 'create', record };
    case 'claimed': {
      const provenAtMs = record.claimUntilMs + consistencyWindowMs;
      return provenAtMs > nowMs ? { step: 'wait', waitMs: provenAtMs - nowMs } : { step: 'look-up', record };
    }
    case 'unknown': {
      const provenAtMs = (record.unknownSinceMs ?? 0) + consistencyWindowMs;
      return provenAtMs > nowMs ? { step: 'wait', waitMs: provenAtMs - nowMs } : { step: 'look-up', record };
    }
  }
}
