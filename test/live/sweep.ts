import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudClient } from '../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../functions/drivers/contract/errors.ts';
import { deleteResource } from '../contract/suite/ground.ts';

/** The kinds of network resources in the order in which they can be removed. */
const KINDS = ['key-pair', 'security-group', 'network'] as const;
/** Errors after which the next attempt may succeed. */
const TRANSIENT = ['Conflict', 'Throttled', 'Unavailable', 'OutcomeUnknown'];

export interface SweepOptions {
  pollMs: number;
  /** The time limit, in milliseconds. */
  forMs: number;
  say(line: string): void;
}

/**
 * Removes every machine and network resource of the client's deployment at a location.
 *
 * @returns the ids of all resources that were found, and of the resources that could not be removed within
 * `forMs`
 */
export async function sweep(
  client: CloudClient,
  location: string,
  { pollMs, forMs, say }: SweepOptions,
): Promise<{ found: string[]; left: string[] }> {
  const found = new Set<string>();
  const untilMs = Date.now() + forMs;
  for (;;) {
    let left: string[] = [];
    try {
      left = await removeOnce(client, location);
    } catch (error) {
      if (!(error instanceof DriverError) || !TRANSIENT.includes(error.code)) throw error;
      say(`sweep: ${error.message}`);
      left = ['resources that could not be listed'];
    }
    for (const one of left) if (!found.has(one)) say(`sweep: removing ${one}`);
    for (const one of left) found.add(one);
    if (left.length === 0 || Date.now() > untilMs) return { found: [...found], left };
    await sleep(pollMs);
  }
}

/**
 * Removes all machines. If there are no machines, removes all network resources of the first kind that still
 * has any. Returns the ids of the removed resources. An empty list means that nothing is left.
 */
async function removeOnce(client: CloudClient, location: string): Promise<string[]> {
  const machines = (await client.listInstances(location)).filter(({ status }) => status !== 'Terminated');
  for (const { backendId, status } of machines) {
    if (status !== 'Terminating') await client.terminateInstance(location, backendId);
  }
  if (machines.length > 0) return machines.map(({ backendId }) => backendId);
  for (const kind of KINDS) {
    const resources = await client.listNetworkResources(location, kind);
    for (const { backendId } of resources) await deleteResource(client, location, kind, backendId);
    if (resources.length > 0) return resources.map(({ backendId }) => backendId);
  }
  return [];
}
