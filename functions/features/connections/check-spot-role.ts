import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';

/** Code of the warning about an account without the role that spot machines need. */
export const MISSING_SPOT_ROLE = 'MissingSpotRole';

/**
 * Checks whether the account has the role that spot machines need.
 *
 * @param location absent: none is known yet
 * @returns a warning that says what to do; undefined if the account needs no role, has it, or the cloud does not tell
 */
export async function checkSpotRole(
  context: WorkerContext,
  client: CloudClient,
  location: string | undefined,
): Promise<Failure | undefined> {
  if (location === undefined || !has(client, 'markets')) return undefined;
  try {
    const faults = await client.verifyMarkets(location, { markets: ['spot'], instanceTypes: [] });
    const missing = faults.find(({ code }) => code === 'missing-role');
    if (!missing) return undefined;
    const message = `${missing.message}. Until then, fleets with the market spot are refused`;
    return { code: MISSING_SPOT_ROLE, message };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('the role for spot machines could not be looked for', { location, code: error.code });
    return undefined;
  }
}
