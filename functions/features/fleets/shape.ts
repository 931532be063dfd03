import type { LimitProfile } from '../../model/limit-profile.ts';
import { INSTANCES_PER_CHILD_EXECUTION, MAX_INLINE_MAP } from '../../platform/workflow/messages.ts';

/** How the workflow launches a fleet's instances at one site. */
export interface Shape {
  /** Launches under way at a time. */
  concurrentInstances: number;
  /** Positions of one child execution. */
  perChild: number;
}

/**
 * Twice as many launches as slots are under way, so that the next one is queued when a slot comes free. One child
 * execution has 40 of them at most; where that is too few, the site's instances are divided into more children, which
 * run side by side.
 */
export function shapeOf(
  { concurrentInstancesPerLocation }: Pick<LimitProfile, 'concurrentInstancesPerLocation'>,
  count: number,
): Shape {
  const concurrentInstances = 2 * concurrentInstancesPerLocation;
  const parts = Math.ceil(concurrentInstances / MAX_INLINE_MAP);
  const perPart = Math.max(MAX_INLINE_MAP, Math.ceil(count / parts));
  return { concurrentInstances, perChild: Math.min(INSTANCES_PER_CHILD_EXECUTION, perPart) };
}
