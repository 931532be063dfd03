import * as z from 'zod';
import { parseLaunchToken } from '../../model/identifiers.ts';
import type { CreateOutcome } from '../contract/capabilities.ts';
import type { CloudInstance, InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { MAX_LISTED } from '../contract/launch-list.ts';
import type { Catalogue } from './catalogue.ts';
import { diskFields, volumesFor } from './disks.ts';
import { createServer, requestFor } from './launch.ts';
import type { Region } from './region.ts';
import { listServers } from './servers.ts';

/** Maximum number of servers in one request. The launch tokens of this many servers fit into one tag. */
export const MAX_BATCH = MAX_LISTED;

type Made = ReadonlyMap<string | undefined, CloudInstance>;
type Alike = readonly [InstanceSpec, ...InstanceSpec[]];
const reservationSchema = z.object({ reservation_id: z.string().min(1) });

/** Creates several servers. @returns one outcome for each spec, in the order of the specs */
export async function createAll(
  region: Region,
  deploymentId: string,
  specs: readonly InstanceSpec[],
  catalogue: Catalogue,
): Promise<CreateOutcome[]> {
  const outcomes = new Map<InstanceSpec, CreateOutcome>();
  const one = async (spec: InstanceSpec) => {
    const made = createServer(region, deploymentId, spec, catalogue);
    outcomes.set(spec, await made.then((instance) => ({ instance }), errorOf));
  };
  const several = async (alike: Alike) => {
    const made = await createServers(region, deploymentId, alike, catalogue).catch(errorOf);
    // The quota does not allow all servers of the request, and Nova created none. The quota may allow some of these
    // servers. The driver requests them one after the other, because Nova counts only servers that exist. Concurrent
    // requests could together exceed the quota, and fail after Nova has accepted them.
    if ('error' in made && made.error.code === 'QuotaExceeded') for (const spec of alike) await one(spec);
    else for (const spec of alike) outcomes.set(spec, 'error' in made ? made : outcomeOf(spec, made));
  };
  await Promise.all(
    requestsOf(specs).map(async (alike) => {
      if (alike.length === 1) return await one(alike[0]);
      // Each server boots from a volume of its own, and one request has the same volumes for all of its servers.
      const single = await needsVolumes(region, alike[0], catalogue);
      if ('error' in single) for (const spec of alike) outcomes.set(spec, single);
      else if (single.needsVolumes) await Promise.all(alike.map(one));
      else await several(alike);
    }),
  );
  return specs.flatMap((spec) => outcomes.get(spec) ?? []);
}

async function needsVolumes(
  region: Region,
  spec: InstanceSpec,
  catalogue: Catalogue,
): Promise<{ needsVolumes: boolean } | { error: DriverError }> {
  try {
    return { needsVolumes: volumesFor(spec, await catalogue.flavorFor(region, spec)).length > 0 };
  } catch (error) {
    return errorOf(error);
  }
}

/** Converts an error to an outcome. @throws every error that is no DriverError */
function errorOf(error: unknown): { error: DriverError } {
  if (error instanceof DriverError) return { error };
  throw error;
}

/**
 * Creates several servers with one request (`min_count`). A second request reads which servers Nova made. Nova gives
 * all servers the same metadata, with all launch tokens, and numbers the servers' names. The n-th server belongs to the
 * n-th token.
 *
 * @param specs at least two specs of one fleet
 * @returns the servers that Nova shows, by launch token
 */
async function createServers(
  region: Region,
  deploymentId: string,
  specs: Alike,
  catalogue: Catalogue,
): Promise<Made> {
  const flavor = await catalogue.flavorFor(region, specs[0]);
  const request = await requestFor(region, deploymentId, specs, flavor, diskFields(specs[0], [], []));
  const { reservation_id } = await region.call('compute', { ...request, answer: reservationSchema });
  try {
    const shown = await listServers(region, deploymentId, { reservation_id });
    return new Map(shown.map((instance) => [instance.launchToken, instance]));
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    throw new DriverError('OutcomeUnknown', error.message, { cause: error });
  }
}

function outcomeOf({ launchToken }: InstanceSpec, made: Made): CreateOutcome {
  const instance = made.get(launchToken);
  if (instance) return { instance };
  const message = `nova accepted the request, but does not show the server of ${launchToken}`;
  return { error: new DriverError('OutcomeUnknown', message) };
}

/**
 * Divides the specs into requests. Nova finds hosts for all servers of a request or for none. A launch that failed
 * before (its attempt is above 1) gets a separate request, so that it cannot make other launches fail.
 */
function requestsOf(specs: readonly InstanceSpec[]): Alike[] {
  const groups = Map.groupBy(specs, ({ launchToken }) => {
    const token = parseLaunchToken(launchToken);
    return token?.attempt === 1 ? token.fleetId : launchToken;
  });
  const requests: Alike[] = [];
  for (const group of groups.values()) {
    for (let at = 0; at < group.length; at += MAX_BATCH) {
      const [first, ...rest] = group.slice(at, at + MAX_BATCH);
      if (first) requests.push([first, ...rest]);
    }
  }
  return requests;
}
