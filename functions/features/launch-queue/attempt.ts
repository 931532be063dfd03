import type { InstanceItem } from '../../platform/store/instances.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';

/** What the queue tells of a message that it has handed out, by its own clock; absent where it does not tell. */
export interface DeliveryMark {
  messageId: string;
  /** How often it was handed out, this time included. */
  receives: number;
  sentAtMs?: number | undefined;
  firstReceivedAtMs?: number | undefined;
}

/** A launch message as it was handed out. */
export interface Launch {
  message: LaunchMessage;
  /** Absent: several copies of it came together. */
  delivery?: DeliveryMark | undefined;
}

/** The message whose first delivery makes a claim: of that alone the queue tells when it was. Empty: another one. */
export function claimedBy(delivery: DeliveryMark | undefined): string {
  return delivery?.receives === 1 ? delivery.messageId : '';
}

/** A launch that is to make its create call as soon as it may. */
export interface Attempt extends Launch {
  /** The record as it stands: an attempt to be made again, or one that is over. Absent: nobody claimed it yet. */
  record?: InstanceItem;
  /** Whether the attempt that stands was claimed and refused, and is made again under the same token. */
  again: boolean;
}
