import { isClosed } from '../../model/status.ts';
import { hasEnded } from '../../platform/store/counters.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';
import type { DeliveryMark } from '../launch-queue/attempt.ts';
import { pauseAfter } from './unknown-answers.ts';

/** Delay before a launch checks again whether the machine of its earlier attempt still exists, in ms. */
const FAILING_MS = 5_000;

/** Next step of a launch message. */
export type LaunchStep =
  /**
   * No claim exists, or the attempt of the record in `replaces` is over. Claim a new attempt and make its
   * create call.
   */
  | { step: 'claim'; replaces?: InstanceItem }
  /** The cloud has no machine of this attempt. Take over the claim and repeat the create call. */
  | { step: 'create'; record: InstanceItem }
  /** The call may have reached the cloud, and the message has waited long enough for a look-up to be conclusive. */
  | { step: 'look-up'; record: InstanceItem }
  /** The poll loop sees what becomes of the machine. */
  | { step: 'leave'; record: InstanceItem }
  /**
   * Deliver the message again after `waitMs`, with the fields in `marks`. These fields tell the next delivery
   * what the message has waited for.
   */
  | { step: 'wait'; waitMs: number; marks?: Pick<LaunchMessage, 'waitedFor' | 'claimSeen'> }
  /** The instance has been launched, or has ended in this round. */
  | { step: 'none' };

export type LaunchOutcome = 'Running' | 'Failed' | 'Cancelled';

/** Returns the outcome of an instance's launch; undefined while it is not certain. */
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

/** Times that decide how long a launch waits. */
export interface LaunchTimes {
  /**
   * The driver's consistency window, in ms. Within this time after a create call, the answer "not found"
   * proves nothing.
   */
  consistencyWindowMs: number;
  /** Time after a claim, in ms, after which the worker that made the claim has ended. */
  claimMs: number;
}

type SteppingLaunch = {
  message: Pick<LaunchMessage, 'round' | 'waitedFor' | 'claimSeen'>;
  delivery?: DeliveryMark | undefined;
};

/**
 * Decides the next step from the record and the message, without any other state. A message may therefore be
 * delivered twice, late, or after its worker died.
 *
 * A message waits in SQS until another worker's claim is over, or until a look-up is conclusive. The worker
 * does not compare these times with its own clock, because workers' clocks differ. If a claim were taken over
 * too early, a second machine could be created.
 *
 * @param launch the message, with fields that record what the message has waited for. If the instance failed
 *   in a round before the message's round, the instance is attempted again
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
  // The instance ended in an earlier round and its machine still exists. The next attempt of the instance
  // follows when that machine no longer exists.
  if (hasEnded(record) && record.round < round) return { step: 'wait', waitMs: FAILING_MS };
  if (outcomeOf(record)) return { step: 'none' };
  // The poll loop removes the machine of the instance. After that, the record becomes Planned, and gets a launch
  // message.
  if (record.status === 'Terminating') return { step: 'leave', record };
  switch (record.launchState) {
    case 'accepted':
      return { step: 'leave', record };
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
 * Decides the step while another worker may have the claim. The worker that made the claim may have received
 * an earlier delivery of this message, and died. The message has then already waited for the visibility
 * timeout of SQS. To count that time, the message is sent once more. SQS then reports two times, both by the
 * clock of SQS: the time of the first delivery, and the time at which the new message was sent.
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
