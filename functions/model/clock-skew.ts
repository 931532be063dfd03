/**
 * Maximum difference assumed between a cloud's clock and a worker's clock, in ms. If a time from a cloud's clock and a
 * time from a worker's clock differ by less than this, it is unknown which of them came first.
 */
export const CLOCK_SKEW_MS = 15 * 60_000;
