/**
 * The largest difference assumed between a cloud's clock and the clock of a worker. Closer times of the two clocks
 * cannot be ordered.
 */
export const CLOCK_SKEW_MS = 15 * 60_000;
