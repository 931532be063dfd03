import * as z from 'zod';

/**
 * Time limit of a probe of capacity or quota. After this time, another launch may become the probe, because the
 * worker of the first probe is assumed to have died.
 */
export const PROBE_MS = 120_000;
/** An entry of a negative cache is ignored this long after its `untilMs` (capacity) or its `sinceMs` (quota). */
export const FORGOTTEN_MS = 3_600_000;

/** The launch that tests whether the cloud has capacity or quota again. After `untilMs`, another launch may do so. */
export const probeSchema = z.object({ instanceId: z.string(), untilMs: z.number() });
