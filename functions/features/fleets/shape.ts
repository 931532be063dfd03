import type { LimitProfile } from '../../model/limit-profile.ts';
import { INSTANCES_PER_CHILD_EXECUTION, MAX_INLINE_MAP } from '../../platform/workflow/messages.ts';

/** Concurrency of the workflow's launches of a fleet at one site. */
export interface Shape {
  /** Launches under way at the same time. */
  concurrentInstances: number;
  /** Positions per child execution. */
  perChild: number;
}

/**
 * Divides a site's launches among child executions. Twice as many launches as slots are under way, which keeps the next
 * one queued when a slot is freed. One child execution runs at most 40 of them. Where that is too few, the site's
 * instances are divided among more children, which run concurrently.
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
