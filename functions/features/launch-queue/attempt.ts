import type { InstanceItem } from '../../platform/store/instances.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';

/**
 * One delivery of a message, as SQS reports it. The times are by SQS's clock. A time is absent if SQS does
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
 * Returns the value of the field `claimedBy` of a claimed record. The value is the id of the message if this
 * is its first delivery, and otherwise an empty string. SQS reports only the time of the first delivery.
 * Therefore only a claim from the first delivery has a known time.
 */
export function claimedBy(delivery: DeliveryMark | undefined): string {
  return delivery?.receives === 1 ? delivery.messageId : '';
}

/** A launch that needs a permit for its create call. */
export interface Attempt extends Launch {
  /** The current record, whose attempt is to be repeated, or has ended. Absent: no claim exists yet. */
  record?: InstanceItem;
  /**
   * True if the attempt in the record created nothing, and its create call is repeated with the same launch
   * token.
   */
  again: boolean;
}
