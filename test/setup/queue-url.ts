import * as z from 'zod';

/** Returns the URL of the queue of driver `sim`. */
export function queueUrlOf(outputs: Record<string, string>): string {
  return z.object({ sim: z.url() }).parse(JSON.parse(outputs['QueueUrls'] ?? '{}')).sim;
}
