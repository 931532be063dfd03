import type { Clock } from '../../functions/platform/runtime/clock.ts';
import type { SimEvent } from './engine/records.ts';

export interface ScaledClock extends Clock {
  /** Waits until the clock shows this time. */
  waitUntil(atMs: number): Promise<void>;
}

/** Returns a clock that starts at `fromMs` and runs `scale` times as fast as the machine's clock. */
export function scaledClock(scale: number, fromMs: number): ScaledClock {
  const startedAtMs = Date.now();
  const now = () => Math.floor(fromMs + (Date.now() - startedAtMs) * scale);
  return {
    now,
    async waitUntil(atMs) {
      // Timers use another clock than Date.now, and may fire a little early.
      for (let leftMs = atMs - now(); leftMs > 0; leftMs = atMs - now()) {
        await new Promise((resolve) => setTimeout(resolve, Math.ceil(leftMs / scale)));
      }
    },
  };
}

/**
 * Returns the latest time in past events. A new clock must not begin before this time, even if the earlier
 * clock ran faster than real time.
 */
export function latestTimeOf(past: readonly SimEvent[]): number {
  return past.reduce((latest, event) => {
    if (event.kind === 'instance')
      return Math.max(latest, event.record.removeAskedAtMs ?? event.record.acceptedAtMs);
    if (event.kind === 'resource') return Math.max(latest, event.record.createdAtMs);
    if (event.kind === 'fault') return Math.max(latest, event.fault.addedAtMs);
    return latest;
  }, 0);
}
