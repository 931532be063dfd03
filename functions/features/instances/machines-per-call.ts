import { has } from '../../drivers/contract/capabilities.ts';
import { limitsAt } from '../../model/limits-in-force.ts';
import type { OpenConnection } from '../../platform/worker/context.ts';
import type { BatchSizes } from './create-batches.ts';

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

/**
 * Returns the maximum numbers of machines in one create call at a location. The number for several fleets is 0 if a call
 * makes machines of one fleet only.
 */
export function sizesOfCalls(
  { client, limits }: Pick<OpenConnection, 'client' | 'limits'>,
  location: string,
): BatchSizes {
  const most = machinesPerCall({ client, limits }, location);
  const mostShared = has(client, 'shared-create') ? Math.min(client.maxSharedBatchSize, most) : 0;
  return { most, mostShared: mostShared > 1 ? mostShared : 0 };
}
