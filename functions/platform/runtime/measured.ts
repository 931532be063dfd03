import type { MiddlewareObj } from '@middy/core';
import { logger } from './logger.ts';
import { resetUsage, usage } from './usage.ts';

/**
 * Returns the middleware of a function. The middleware logs one line with the consumed resources for each invocation,
 * and one more line with the error if the invocation fails. Events are never logged, because they may contain users'
 * data.
 */
export function measured<Event, Result>(functionName: string): MiddlewareObj<Event, Result> {
  let startedMs = 0;
  const report = () =>
    logger.info('usage', {
      function: functionName,
      usage: { ...usage, durationMs: Date.now() - startedMs, peakMemoryMb: peakMemoryMb() },
    });
  return {
    before: () => {
      startedMs = Date.now();
      resetUsage();
    },
    after: report,
    onError: ({ error }) => {
      logger.error('invocation failed', { function: functionName, error });
      report();
    },
  };
}

/** Returns the largest resident set of the process since it started, in MB. */
function peakMemoryMb(): number {
  return Math.ceil(process.resourceUsage().maxRSS / 1_024);
}
