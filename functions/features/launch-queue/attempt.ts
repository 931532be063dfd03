import type { InstanceItem } from '../../platform/store/instances.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';

/**
 * One delivery of a message, as SQS reports it. The times come from SQS's clock. A time is absent if SQS does
 * not report it.
 */
export interface DeliveryMark {
  messageId: string;
  /** Number of deliveries, including this one. */
  receives: number;
  sentAtMs?: number | undefined;
  firstReceivedAtMs?: number | undefined;
}

/** A launch message as it was delivered. */
export interface Launch {
  message: LaunchMessage;
  /** The delivery of the message. Absent if several copies of the message were delivered together. */
  delivery?: DeliveryMark | undefined;
}

/**
 * Returns the value for the field `claimedBy` of a claimed record: the message's id if `delivery` is the
 * first delivery, otherwise an empty string. SQS reports the time of the first delivery only. The time of a
 * claim from a later delivery is therefore unknown.
 */
export function claimedBy(delivery: DeliveryMark | undefined): string {
  return delivery?.receives === 1 ? delivery.messageId : '';
}

/** A launch that needs a permit for its create call. */
export interface Attempt extends Launch {
  /** The instance's current record. Absent if no worker has claimed the instance yet. */
  record?: InstanceItem;
  /**
   * True if the create call of the attempt in `record` is to be repeated with the launch token of `record`.
   * That attempt created nothing.
   */
  again: boolean;
  /** The zone that the governor chose for a new attempt. Absent: the user named the zone, or the cloud chooses it. */
  zone?: string;
}
