import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';
import { connectionKey as connectionKeyOf } from '../../model/identifiers.ts';
import { allLocations } from '../../platform/store/catalogue.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { checkSpotRole } from './check-spot-role.ts';

/** Code of the warning about a connection whose credential lacks rights. */
export const MISSING_RIGHTS = 'MissingRights';
/** Maximum number of denied calls that a warning names in full. */
const MOST_NAMED = 6;
const MOST_WORDS = 900;

/**
 * Checks at one location whether the cloud lets the credential do what a launch needs: by dry runs if the driver has
 * them, else by the cheapest read call. The calls that are denied are in the health of the connection, too, because the
 * check makes real calls. It is the first part of the check, which `checkAllRights` continues at each location.
 *
 * @returns a warning that names each denied call, else one about the role for spot machines; undefined if nothing is
 *   missing, or the cloud does not tell now
 */
export async function checkRights(
  context: WorkerContext,
  connection: Connection,
  client: CloudClient,
): Promise<Failure | undefined> {
  const connectionKey = connectionKeyOf(connection);
  const locations = await allLocations(context.store, connectionKey);
  const location = locations.find(({ available }) => available)?.name;
  try {
    return (
      warningOf(await deniedCalls(client, location, connection)) ??
      (await checkSpotRole(context, client, location))
    );
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('the rights of a credential could not be checked', { connectionKey, code: error.code });
    return undefined;
  }
}

/** Returns what launches of a connection need. Those whose fleets use existing networks make no networks. */
export const needsOf = ({ network }: Pick<Connection, 'network'>): 'machines' | 'networks' =>
  network?.mode === 'existing' ? 'machines' : 'networks';

async function deniedCalls(
  client: CloudClient,
  location: string | undefined,
  { network }: Pick<Connection, 'network'>,
): Promise<Denied[]> {
  if (has(client, 'rights-check')) return await client.checkRights(location, needsOf({ network }));
  if (location === undefined) return [];
  try {
    await client.listInstances(location);
    return [];
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== 'Forbidden') throw error;
    return [{ call: error.call ?? 'the list of machines', message: error.message }];
  }
}

interface Denied {
  call: string;
  message: string;
}

function warningOf(denied: readonly Denied[]): Failure | undefined {
  const [first] = denied;
  if (!first) return undefined;
  const names = denied.slice(0, MOST_NAMED).map(({ call }) => call);
  const more = denied.length > names.length ? ` and ${denied.length - names.length} more` : '';
  const words = `the cloud accepts the credential and denies it these calls: ${names.join(', ')}${more}. It says: ${first.message}`;
  return { code: MISSING_RIGHTS, message: words.slice(0, MOST_WORDS) };
}
