import { eachItem } from '../../client/index.ts';
import type { Fleet, Instance } from '../../functions/model/fleet.ts';
import { isClosed } from '../../functions/model/status.ts';
import type { Stack } from '../run/stack.ts';
import { type CloudRow, quantile } from '../run/summary.ts';
import type { ConnectedCloud } from './connect.ts';
import { findUnclaimed } from './sweep.ts';

/**
 * The outcome of a fleet's instances at one outside (not simulated) cloud. The cloud's throttled calls are not known,
 * because only the simulated clouds keep a record (books) of their calls.
 */
export interface OutsideRow extends Omit<CloudRow, 'throttled'> {
  driver: string;
  connection: string;
  throttled: null;
  /** Machines at the cloud that no record claims. */
  leaked: number;
  /** Leaked machines that were created for a record which now has another machine. */
  duplicated: number;
  /** Time from the acceptance of the fleet until the last instance ran; null if none ran. */
  makespanSeconds: number | null;
  /**
   * Number of open records, and of machines and network resources at the cloud that no record claims. Null if
   * the fleets were not deleted.
   */
  remainingAfterDelete: number | null;
}

export async function measure(
  stack: Stack,
  { driver, cloud, connection }: ConnectedCloud,
  fleets: readonly Fleet[],
): Promise<OutsideRow> {
  const sites = fleets
    .flatMap(({ byLocation }) => byLocation)
    .filter((site) => site.connection === connection && site.counts.requested > 0);
  const count = (status: 'requested' | 'Running' | 'Failed') =>
    sites.reduce((sum, { counts }) => sum + (counts[status] ?? 0), 0);
  const seconds: number[] = [];
  for (const { id, createdAt } of fleets) {
    for await (const one of instancesOf(stack, id, connection)) {
      if (one.runningAt !== undefined)
        seconds.push((Date.parse(one.runningAt) - Date.parse(createdAt)) / 1_000);
    }
  }
  seconds.sort((a, b) => a - b);
  const unclaimed = (
    await findUnclaimed(
      stack,
      connection,
      fleets.map(({ id }) => id),
    )
  ).filter(({ kind }) => kind === 'instance');
  return {
    cloud,
    driver,
    connection,
    locations: sites.length,
    requested: count('requested'),
    running: count('Running'),
    failed: count('Failed'),
    p50Seconds: quantile(seconds, 0.5),
    p95Seconds: quantile(seconds, 0.95),
    throttled: null,
    leaked: unclaimed.length,
    duplicated: unclaimed.filter(({ reason }) => reason === 'duplicate').length,
    makespanSeconds: seconds.at(-1) ?? null,
    remainingAfterDelete: null,
  };
}

/**
 * Counts what is left of deleted fleets at an outside cloud: Fleetwright's open records, and the machines and
 * network resources that no record claims.
 */
export async function countLeft(
  stack: Stack,
  connection: string,
  fleetIds: readonly string[],
): Promise<number> {
  const { client, namespace } = stack;
  let left = (await findUnclaimed(stack, connection, fleetIds)).length;
  for (const fleet of fleetIds) {
    for await (const { status } of instancesOf(stack, fleet, connection)) {
      if (!isClosed(status)) left += 1;
    }
    const resources = eachItem(client.listFleetResources, {
      params: { namespace, fleet },
      query: { connection, limit: 100 },
    });
    for await (const _ of resources) left += 1;
  }
  return left;
}

async function* instancesOf(
  { client, namespace }: Stack,
  fleet: string,
  connection: string,
): AsyncGenerator<Instance> {
  const all = eachItem(client.listInstances, { params: { namespace, fleet }, query: { limit: 500 } });
  for await (const one of all) if (one.connection === connection) yield one;
}
