import { isClosed } from '../model/status.ts';
import type { InstanceItem } from '../store/instances.ts';
import type { LaunchMessage } from '../workflow/messages.ts';
import { pauseAfter } from './unknown-answers.ts';

/** How long a launch waits before it asks again whether what failed before it is gone. */
const FAILING_MS = 5_000;

/** What to do about a launch message, given how far earlier deliveries came. */
export type LaunchStep =
  /** Nobody took it yet, or its earlier attempt `replaces` is over: claim it and create. */
  | { step: 'claim'; replaces?: InstanceItem }
  /** The cloud is known to have nothing of this attempt: take the claim over and create. */
  | { step: 'create'; record: InstanceItem }
  /** The call may have reached the cloud, and its message has waited for so long that a look-up proves it. */
  | { step: 'look-up'; record: InstanceItem }
  /** The cloud has it, the status loop will answer; it must answer this token. */
  | { step: 'hand-over'; record: InstanceItem }
  /** Then come back; `waitedFor` is the mark, in the record, of what will have passed by then. */
  | { step: 'wait'; waitMs: number; waitedFor?: number }
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

/** How long a worker has a claim: longer than any create call may take, time-outs included. */
export const CLAIM_MS = 90_000;

/**
 * Decides from the record alone, so that a message may come twice, late, or after its worker died.
 *
 * A claim, and the time until a look-up proves something, are waited for in the queue, and never read off a clock:
 * workers' clocks may be apart, and who takes a claim over too early makes a second machine.
 *
 * @param message its round of launching (what ended in an earlier one is attempted again), and what it has waited for
 * @param consistencyWindowMs of the driver: before it has passed, "not found" proves nothing
 */
export function nextStep(
  record: InstanceItem | undefined,
  { round, waitedFor }: Pick<LaunchMessage, 'round' | 'waitedFor'>,
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
    case 'claimed':
      if (waitedFor === record.claimUntilMs) return { step: 'look-up', record };
      return { step: 'wait', waitMs: CLAIM_MS + consistencyWindowMs, waitedFor: record.claimUntilMs };
    case 'unknown': {
      const sinceMs = record.unknownSinceMs ?? 0;
      if (waitedFor === sinceMs) return { step: 'look-up', record };
      const waitMs = Math.max(consistencyWindowMs, pauseAfter(record.unknownAnswer));
      return { step: 'wait', waitMs, waitedFor: sinceMs };
    }
  }
}
