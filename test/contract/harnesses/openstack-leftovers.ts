import { setTimeout as sleep } from 'node:timers/promises';
import { type CloudClient, NETWORK_RESOURCE_KINDS } from '../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import { deleteResource } from '../suite/ground.ts';

const PATIENCE_MS = 180_000;
const POLL_MS = 1_000;
/** Such as `fw-contract-suite-<fleet and number>`, where a batch's machine has a number at its end. */
const NAME = /^fw-(contract-.+)-[0-9a-z]{1,23}(-[0-9]+)?$/;

/** The suite's deployments that things of these names are of. */
export function deploymentsOf(names: readonly string[]): Set<string> {
  return new Set(names.flatMap((name) => NAME.exec(name)?.[1] ?? []));
}

/** Removes all that a deployment of the suite has at a location, after a run that was cut short. */
export async function removeLeftovers(client: CloudClient, location: string): Promise<void> {
  const untilMs = Date.now() + PATIENCE_MS;
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
    if (Date.now() > untilMs) throw new Error(`${left} things of an earlier run cannot be removed`);
    await sleep(POLL_MS);
  }
}
