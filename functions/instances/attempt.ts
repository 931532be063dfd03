import type { InstanceItem } from '../store/instances.ts';
import type { LaunchMessage } from '../workflow/messages.ts';

/** A launch that is to make its create call as soon as it may. */
export interface Attempt {
  message: LaunchMessage;
  /** The record as it stands: an attempt to be made again, or one that is over. Absent: nobody claimed it yet. */
  record?: InstanceItem;
  /** Whether the attempt that stands was claimed and refused, and is made again under the same token. */
  again: boolean;
}
