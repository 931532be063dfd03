import type { InstanceItem } from '../../platform/store/instances.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';

/**
 * What the queue tells about a message that it has delivered, by its own clock. Absent fields: the queue does not tell.
 */
export interface DeliveryMark {
  messageId: string;
  /** Number of deliveries, this one included. */
  receives: number;
  sentAtMs?: number | undefined;
  firstReceivedAtMs?: number | undefined;
}

/** A launch message as it was delivered. */
export interface Launch {
  message: LaunchMessage;
  /** Absent: several copies of the message came together. */
  delivery?: DeliveryMark | undefined;
}

/**
 * Returns the id of the message if this is its first delivery, because only then does the queue tell when it was.
 * Otherwise empty.
 */
export function claimedBy(delivery: DeliveryMark | undefined): string {
  return delivery?.receives === 1 ? delivery.messageId : '';
}

/** A launch that is to make its create call as soon as possible. */
export interface Attempt extends Launch {
  /** The record as it stands: an attempt to be repeated, or one that is over. Absent: no claim exists yet. */
  record?: InstanceItem;
  /** True if the present attempt was claimed and refused, and is repeated under the same token. */
  again: boolean;
}
