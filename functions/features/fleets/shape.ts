import type { LimitProfile } from '../../model/limit-profile.ts';
import { INSTANCES_PER_CHILD_EXECUTION, MAX_INLINE_MAP } from '../../platform/workflow/messages.ts';

/**
 * Number of launches that stands for the slots of a cloud that has none. With it, 2,000 launches of a fleet are under
 * way at a site, as at a site with the largest number of slots.
 */
const MOST_AT_ONCE = 1_000;

/** Concurrency of a fleet's launches at one site, for the workflow. */
export interface Shape {
  /** Maximum number of concurrent launches. */
  concurrentInstances: number;
  /** Number of instances per child execution. */
  perChild: number;
}

/**
 * Divides a site's launches among child executions. The number of concurrent launches is twice the number of
 * slots, so that a launch is always queued when a slot becomes free. One child execution runs at most 40
 * launches at the same time. A site that needs more gets several children, which run concurrently.
 */
export function shapeOf(
  { concurrentInstancesPerLocation }: Pick<LimitProfile, 'concurrentInstancesPerLocation'>,
  count: number,
): Shape {
  const concurrentInstances = 2 * (concurrentInstancesPerLocation ?? MOST_AT_ONCE);
  const parts = Math.ceil(concurrentInstances / MAX_INLINE_MAP);
  const perPart = Math.max(MAX_INLINE_MAP, Math.ceil(count / parts));
  return { concurrentInstances, perChild: Math.min(INSTANCES_PER_CHILD_EXECUTION, perPart) };
}
