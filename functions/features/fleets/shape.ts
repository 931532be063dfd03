import type { LimitProfile } from '../../model/limit-profile.ts';
import { MAX_INLINE_MAP, MOST_POSITIONS } from '../../platform/workflow/messages.ts';

/**
 * Number of launches that stands for the slots of a cloud that has none. With it, 2,000 launches of a fleet are under
 * way at a site, as at a site with the largest number of slots.
 */
const MOST_AT_ONCE = 1_000;

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
  const underWay = 2 * (concurrentInstancesPerLocation ?? MOST_AT_ONCE);
  const chunk = Math.min(MOST_POSITIONS, Math.max(LEAST_POSITIONS, underWay));
  return { chunk, concurrentChunks: Math.min(MAX_INLINE_MAP, Math.ceil(underWay / chunk)) };
}
