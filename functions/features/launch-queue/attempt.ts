import type { InstanceItem } from '../../platform/store/instances.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';

/** Data of the queue about a delivery, by its own clock. A field is absent if the queue does not tell it. */
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
  /** The delivery of the message. Absent: several copies of the message came together. */
  delivery?: DeliveryMark | undefined;
}

/**
 * Returns the id of the message if this is its first delivery, because only then does the queue tell when it was.
 * Otherwise empty.
 */
export function claimedBy(delivery: DeliveryMark | undefined): string {
  return delivery?.receives === 1 ? delivery.messageId : '';
}

/** A launch that needs a permit for its create call. */
export interface Attempt extends Launch {
  /**
   * The present record: of an attempt to be repeated, or of one that has ended. Absent: no claim exists yet.
   */
  record?: InstanceItem;
  /** True if the present attempt was claimed and refused, and is repeated under the same token. */
  again: boolean;
}
