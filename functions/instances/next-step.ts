import { isClosed } from '../model/status.ts';
import type { InstanceItem } from '../store/instances.ts';

/** How long a launch waits before it asks again whether what failed before it is gone. */
const FAILING_MS = 5_000;

/** What to do about a launch message, given how far earlier deliveries came. */
export type LaunchStep =
  /** Nobody took it yet, or its earlier attempt `replaces` is over: claim it and create. */
  | { step: 'claim'; replaces?: InstanceItem }
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
      if (record.closeAs === 'Planned') return undefined;
      return record.closeAs === 'Failed' ? 'Failed' : 'Cancelled';
    default:
      return 'Running';
  }
}

/**
 * Decides from the record alone, so that a message may come twice, late, or after its worker died.
 *
 * @param round of launching that the message belongs to: what ended in an earlier one is attempted again
 * @param consistencyWindowMs of the driver: before it has passed, "not found" proves nothing
 */
export function nextStep(
  record: InstanceItem | undefined,
  round: number,
  nowMs: number,
  consistencyWindowMs: number,
): LaunchStep {
  if (!record) return { step: 'claim' };
  if (record.status === 'Planned') return { step: 'claim', replaces: record };
  if (isClosed(record.status) && record.round < round) return { step: 'claim', replaces: record };
  // It failed in an earlier round and is not gone yet: then it is attempted again.
  const failing = record.status === 'Terminating' && record.closeAs === 'Failed';
  if (failing && record.round < round) return { step: 'wait', waitMs: FAILING_MS };
  const outcome = outcomeOf(record);
  if (outcome) return { step: 'answer', outcome };
  // The status loop has it: when it is gone, it is planned anew elsewhere, and launched with the token it has then.
  if (record.status === 'Terminating') return { step: 'hand-over', record };
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
