import * as z from 'zod';
import type { Stuck } from '../../model/stuck.ts';
import { isoTime } from '../runtime/clock.ts';

/** What a record keeps about a step that failed and is tried again. */
export const stuckItemSchema = z.object({
  code: z.string(),
  message: z.string(),
  /** Time of the first of the failed tries. */
  sinceMs: z.number(),
  tries: z.number(),
  /** Time of the latest try. */
  triedAtMs: z.number(),
  /** Before this time, no worker tries again, unless a user asks for it. Absent: no further try is planned. */
  nextTryAtMs: z.number().optional(),
});
export type StuckItem = z.infer<typeof stuckItemSchema>;

/** Maximum number of characters of a message in a record. */
const MAX_WORDS = 500;
const FIRST_DELAY_MS = 4_000;
const LONGEST_DELAY_MS = 300_000;

/** The first tries follow each other after the shortest delay, because most causes pass within seconds. */
const QUICK_TRIES = 3;

/**
 * Returns the delay after a number of failed tries in ms. After three tries, the delay doubles with each try, from some
 * seconds to at most 5 minutes. It is drawn at random from the last quarter of that time, so that steps that failed
 * together are not all tried again together.
 */
export function retryDelayMs(tries: number, random: () => number): number {
  const longestMs = Math.min(
    LONGEST_DELAY_MS,
    FIRST_DELAY_MS * 2 ** Math.min(10, Math.max(0, tries - QUICK_TRIES)),
  );
  return Math.round(longestMs * (0.75 + 0.25 * random()));
}

/**
 * Returns the state after a failed try. Counts from the first failure since the last success, even if the errors
 * differ.
 *
 * @param leastMs minimum delay until the next try in ms, if the cloud named one
 */
export function afterFailure(
  known: StuckItem | undefined,
  { code, message }: { code: string; message: string },
  { clock, random }: { clock: { now(): number }; random: () => number },
  leastMs = 0,
): StuckItem {
  const nowMs = clock.now();
  const tries = (known?.tries ?? 0) + 1;
  return {
    code,
    message: message.slice(0, MAX_WORDS),
    sinceMs: known?.sinceMs ?? nowMs,
    tries,
    triedAtMs: nowMs,
    nextTryAtMs: nowMs + Math.max(leastMs, retryDelayMs(tries, random)),
  };
}

/**
 * Returns true if the next try is due.
 *
 * @param askedAtMs time at which a user last asked for the step
 */
export function isDue(stuck: StuckItem | undefined, nowMs: number, askedAtMs = 0): boolean {
  if (stuck === undefined) return true;
  return (stuck.nextTryAtMs ?? 0) <= nowMs || stuck.triedAtMs < askedAtMs;
}

export function stuckView({ code, message, sinceMs, tries, nextTryAtMs }: StuckItem): Stuck {
  return {
    code,
    message,
    since: isoTime(sinceMs),
    tries,
    ...(nextTryAtMs === undefined ? {} : { nextTryAt: isoTime(nextTryAtMs) }),
  };
}
