import { has } from '../../drivers/contract/capabilities.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Quota } from '../../model/quota.ts';
import { within } from '../../platform/runtime/within.ts';
import { noteQuotaFailure, putQuotas } from '../../platform/store/quota-readings.ts';
import { type OpenConnection, timeLeftMs, type WorkerContext } from '../../platform/worker/context.ts';

/** Maximum time in ms for which a sync waits for the quotas of one location. */
const READ_MS = 15_000;
/** Time that is kept free at the end of an invocation, so that the worker can still write what it read. */
const KEPT_MS = 4_000;

/**
 * Reads the quotas at a location and stores them, if the driver can. A failure never fails the sync: launches do not need
 * the quotas. The failure is noted with the quotas that were read before.
 *
 * @returns what was read; undefined if nothing was
 */
export async function syncQuotas(
  context: Pick<WorkerContext, 'store' | 'log' | 'invocation'>,
  connectionKey: string,
  { client }: Pick<OpenConnection, 'client'>,
  location: string,
): Promise<readonly Quota[] | undefined> {
  if (!has(client, 'quotas')) return undefined;
  const { store, log } = context;
  const limitMs = Math.min(READ_MS, timeLeftMs(context) - KEPT_MS);
  const tooLate = () =>
    new DriverError('Unavailable', 'the quotas were not read within the time limit of the sync');
  try {
    if (limitMs <= 0) throw tooLate();
    const quotas = await within(store.clock, limitMs, client.readQuotas(location), tooLate);
    await putQuotas(store, connectionKey, location, quotas);
    return quotas;
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const { code, message } = error;
    log.warn('the quotas could not be read', { connectionKey, location, code, message });
    await noteQuotaFailure(store, connectionKey, location, { code, message });
    return undefined;
  }
}
