/** How far the clocks of a cloud and of our processes may be apart before a time of one says nothing to the other. */
export const CLOCK_SKEW_MS = 15 * 60_000;
