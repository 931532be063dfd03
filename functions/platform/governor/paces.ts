import { type CallKind, type LimitProfile, MAX_PER_SECOND } from '../../model/limit-profile.ts';
import type { Pace } from './rate.ts';

/** A rate that holds nothing back. */
const AT_ONCE: Pace = { perSecond: MAX_PER_SECOND, burst: MAX_PER_SECOND };

/** How create calls go out at one location: in bursts, evenly, or all at once where the cloud queues them itself. */
export function createPace({ calls, pacing, minimumSpacingMs }: LimitProfile): Pace {
  const spacing = minimumSpacingMs === undefined ? {} : { spacingMs: minimumSpacingMs };
  switch (pacing) {
    case 'all-at-once':
      return { ...AT_ONCE, ...spacing };
    case 'even':
      return { perSecond: calls.create.perSecond, burst: 1, ...spacing };
    case 'burst':
      return { ...calls.create, ...spacing };
  }
}

export function paceOf(limits: LimitProfile, kind: CallKind): Pace {
  return kind === 'create' ? createPace(limits) : limits.calls[kind];
}
