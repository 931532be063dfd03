import { setTimeout as sleep } from 'node:timers/promises';
import { type CloudClient, NETWORK_RESOURCE_KINDS } from '../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import { deleteResource } from '../suite/ground.ts';

const TIME_LIMIT_MS = 180_000;
const POLL_MS = 1_000;
/**
 * Matches names like `fw-contract-suite-<fleet and number>`. The name of a batch's machine has an additional
 * number at the end.
 */
const NAME = /^fw-(contract-.+)-[0-9a-z]{1,23}(-[0-9]+)?$/;

/** Returns the deployment ids that these names contain. Ignores names that the suite did not give. */
export function deploymentsOf(names: readonly string[]): Set<string> {
  return new Set(names.flatMap((name) => NAME.exec(name)?.[1] ?? []));
}

/**
 * Removes all machines and network resources that an interrupted run left at a location.
 *
 * @throws Error if the removal takes longer than 3 minutes
 */
export async function removeLeftovers(client: CloudClient, location: string): Promise<void> {
  const untilMs = Date.now() + TIME_LIMIT_MS;
  for (;;) {
    const machines = await client.listInstances(location);
    await Promise.all(machines.map(({ backendId }) => client.terminateInstance(location, backendId)));
    let left = machines.length;
    for (const kind of NETWORK_RESOURCE_KINDS.toReversed()) {
      for (const { backendId } of await client.listNetworkResources(location, kind)) {
        left += 1;
        await deleteResource(client, location, kind, backendId).catch((error: unknown) => {
          if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
        });
      }
    }
    if (left === 0) return;
    if (Date.now() > untilMs) throw new Error(`${left} resources of an earlier run cannot be removed`);
    await sleep(POLL_MS);
  }
}
