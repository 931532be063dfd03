import type { LimitProfile } from '../../model/limit-profile.ts';
import { MAX_INLINE_MAP, MOST_POSITIONS, MOST_WITHOUT_SLOTS } from '../../platform/workflow/messages.ts';

/**
 * How the launches of a cloud without slots are divided. The worker that gets a message fills its create calls from all
 * of the message's launches, zone by zone. Each edge of a message costs a call that is not full. With two messages under
 * way, 2,000 launches of a fleet are, as at a site with the largest number of slots.
 */
const WITHOUT_SLOTS: Shape = { chunk: MOST_WITHOUT_SLOTS, concurrentChunks: 2 };

/** How a site's launches are divided among messages. */
export interface Shape {
  /** Maximum number of positions in one launch message. */
  chunk: number;
  /** Maximum number of launch messages that workers take on at the same time. */
  concurrentChunks: number;
}

/** With fewer positions in each message, 10,000 instances at one site would need too many events of one history. */
const LEAST_POSITIONS = 40;

/**
 * Divides a site's launches among messages. Workers take on twice as many launches at the same time as the site has
 * slots. The launches without a slot are in the launch queue when a slot becomes free.
 */
export function shapeOf({
  concurrentInstancesPerLocation,
}: Pick<LimitProfile, 'concurrentInstancesPerLocation'>): Shape {
  if (concurrentInstancesPerLocation === undefined) return WITHOUT_SLOTS;
  const underWay = 2 * concurrentInstancesPerLocation;
  const chunk = Math.min(MOST_POSITIONS, Math.max(LEAST_POSITIONS, underWay));
  return { chunk, concurrentChunks: Math.min(MAX_INLINE_MAP, Math.ceil(underWay / chunk)) };
}
