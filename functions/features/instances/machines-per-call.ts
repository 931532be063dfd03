import { has } from '../../drivers/contract/capabilities.ts';
import { limitsAt } from '../../model/limits-in-force.ts';
import type { OpenConnection } from '../../platform/worker/context.ts';

/**
 * Returns the maximum number of machines in one create call at a location: what the driver asks for in one call, or less
 * if the connection's limits say so. 1 if the driver makes each machine with a call of its own.
 */
export function machinesPerCall(
  { client, limits }: Pick<OpenConnection, 'client' | 'limits'>,
  location: string,
): number {
  if (!has(client, 'batch-create')) return 1;
  return Math.min(client.maxBatchSize, limitsAt(limits, location).machinesPerCall ?? client.maxBatchSize);
}
