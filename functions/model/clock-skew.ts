/**
 * Maximum difference assumed between a cloud's clock and a worker's clock, in ms. If a time by a cloud's clock and a
 * time by a worker's clock differ by less, their order is unknown.
 */
export const CLOCK_SKEW_MS = 15 * 60_000;
