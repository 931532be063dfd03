import { isWindow, type Rate } from '../../../../functions/model/rate.ts';

/** Models what a cloud meters, independently of the code under test. */
export interface CloudMeter {
  /** Returns whether the cloud accepts `units` at a time in ms; times must not decrease. Takes them if it does. */
  takes(atMs: number, units: number): boolean;
}

/** A token bucket that takes several tokens at once, or windows that begin at multiples of their length. */
export function cloudMeter(rate: Rate): CloudMeter {
  if (!isWindow(rate)) return bucketMeter(rate);
  const used = new Map<number, number>();
  return {
    takes: (atMs, units) => {
      const window = Math.floor(atMs / (rate.windowSeconds * 1_000));
      const next = (used.get(window) ?? 0) + units;
      if (next > rate.count) return false;
      used.set(window, next);
      return true;
    },
  };
}

function bucketMeter(rate: { perSecond: number; burst: number }): CloudMeter {
  let tokens = rate.burst;
  let filledAtMs = 0;
  return {
    takes: (atMs, units) => {
      tokens = Math.min(rate.burst, tokens + ((atMs - filledAtMs) * rate.perSecond) / 1_000);
      filledAtMs = atMs;
      if (tokens < units - 1e-6) return false;
      tokens -= units;
      return true;
    },
  };
}
