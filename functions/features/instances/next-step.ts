import { isClosed } from '../../model/status.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';
import type { DeliveryMark } from '../launch-queue/attempt.ts';
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
  /** The cloud has it, the poll loop will answer; it must answer this token. */
  | { step: 'replace-token'; record: InstanceItem }
  /** Then come back, as the message with these marks: what will have passed by then. */
  | { step: 'wait'; waitMs: number; marks?: Pick<LaunchMessage, 'waitedFor' | 'claimSeen'> }
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
    case 'Running':
    case 'Suspending':
    case 'Suspended':
    case 'Resuming':
    case 'Rebooting':
    case 'Undefined':
      return 'Running';
  }
}

/** How long what has to be waited for takes. */
export interface LaunchTimes {
  /** Of the driver: before it has passed, "not found" proves nothing. */
  consistencyWindowMs: number;
  /** A worker that made a claim is over after this. */
  claimMs: number;
}

type SteppingLaunch = {
  message: Pick<LaunchMessage, 'round' | 'waitedFor' | 'claimSeen'>;
  delivery?: DeliveryMark | undefined;
};

/**
 * Decides from the record alone, so that a message may come twice, late, or after its worker died.
 *
 * A claim, and the time until a look-up proves something, are waited for in the queue, and never read off a clock:
 * workers' clocks may be apart, and who takes a claim over too early makes a second machine.
 *
 * @param launch its message's round of launching (what ended in an earlier one is attempted again), and what it has
 *   waited for
 */
export function nextStep(
  record: InstanceItem | undefined,
  launch: SteppingLaunch,
  times: LaunchTimes,
): LaunchStep {
  const { round, waitedFor } = launch.message;
  if (!record) return { step: 'claim' };
  if (record.status === 'Planned') return { step: 'claim', replaces: record };
  if (isClosed(record.status) && record.round < round) return { step: 'claim', replaces: record };
  // It failed in an earlier round and is not gone yet: then it is attempted again.
  const failing = record.status === 'Terminating' && record.closeAs === 'Failed';
  if (failing && record.round < round) return { step: 'wait', waitMs: FAILING_MS };
  const outcome = outcomeOf(record);
  if (outcome) return { step: 'answer', outcome };
  // The poll loop has it: when it is gone, it is Planned again elsewhere, and launched with the token it has then.
  if (record.status === 'Terminating') return { step: 'replace-token', record };
  switch (record.launchState) {
    case 'accepted':
      return { step: 'replace-token', record };
    case 'refused':
      return { step: 'create', record };
    case 'claimed':
      if (waitedFor === record.claimUntilMs) return { step: 'look-up', record };
      return whileClaimed(record, launch, times);
    case 'unknown': {
      const sinceMs = record.unknownSinceMs ?? 0;
      if (waitedFor === sinceMs) return { step: 'look-up', record };
      const waitMs = Math.max(times.consistencyWindowMs, pauseAfter(record.unknownAnswer));
      return { step: 'wait', waitMs, marks: { waitedFor: sinceMs } };
    }
  }
}

/**
 * Another worker may be at it. A launch whose own worker died over its claim has waited already: for the queue's
 * visibility time-out. The queue tells how long when the message is sent again, by one clock for both times.
 */
function whileClaimed(
  record: InstanceItem,
  { message: { claimSeen }, delivery }: SteppingLaunch,
  { consistencyWindowMs, claimMs }: LaunchTimes,
): LaunchStep {
  const { claimUntilMs } = record;
  const neededMs = claimMs + consistencyWindowMs;
  const after = (waitMs: number): LaunchStep => ({
    step: 'wait',
    waitMs,
    marks: { waitedFor: claimUntilMs },
  });
  if (delivery === undefined) return after(neededMs);
  const { messageId, firstReceivedAtMs, sentAtMs } = delivery;
  if (claimSeen?.claimUntilMs === claimUntilMs && sentAtMs !== undefined) {
    const leftMs = neededMs - (sentAtMs - claimSeen.sinceMs);
    return leftMs > 0 ? after(leftMs) : { step: 'look-up', record };
  }
  if (record.claimedBy !== messageId || firstReceivedAtMs === undefined) return after(neededMs);
  return { step: 'wait', waitMs: 0, marks: { claimSeen: { claimUntilMs, sinceMs: firstReceivedAtMs } } };
}
