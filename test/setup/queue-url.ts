import { z } from 'zod';

/** The queue of the driver of the simulated clouds. */
export function queueUrlOf(outputs: Record<string, string>): string {
  return z.object({ sim: z.url() }).parse(JSON.parse(outputs['QueueUrls'] ?? '{}')).sim;
}
