import pLimit from 'p-limit';
import type { DriverName } from '../../model/connection.ts';
import { DEFAULT_INSTANCE_TIMEOUT_SECONDS } from '../../model/fleet-request.ts';
import { parseConnectionKey } from '../../model/identifiers.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import { limitProfileOf, limitsAt } from '../../model/limits-in-force.ts';
import { isGoing } from '../../model/status.ts';
import { layOut, type Placement } from '../../platform/placement/lay-out.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import { DeploymentEnding, readEnding } from '../../platform/store/ending.ts';
import { readFleetItem, readSpec, updateFleet } from '../../platform/store/fleets.ts';
import { openPlacement } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import { type Assignment, MAX_INLINE_MAP } from '../../platform/workflow/messages.ts';
import { userKeyOf } from '../networks/user-key.ts';
import { hasGiven } from '../networks/verify-machines.ts';
import { shapeOf } from './shape.ts';
import type { SshKey } from './ssh-key.ts';
import { pauseLaunching } from './stop-when-decided.ts';

const CONCURRENT_WRITES = 20;

export interface AssignDeps {
  store: Store<'fleets' | 'access'>;
  queueUrls: Partial<Record<DriverName, string>>;
  makeKey(comment: string): Promise<SshKey>;
  /**
   * Stores the private half of a fleet's SSH key. Keys that were stored earlier stay. @returns the name of
   * the parameter with the new key
   */
  keepPrivateKey(fleetId: string, privateKey: string): Promise<string>;
  /**
   * Deletes all private keys of a fleet. The removal of the fleet calls this function. If a removal of the
   * fleet has begun, the workflow's state Assign calls this function, too. Assign may have stored a key after
   * the removal deleted the fleet's keys.
   */
  forgetPrivateKey(fleetId: string): Promise<void>;
}

/**
 * Runs the workflow's state Assign: opens a placement for each site, and returns what the workflow has to
 * launch there. A second run returns the same. The assignment is empty if the execution is no longer the
 * fleet's current execution, or if the launches are held or aborted.
 *
 * @throws DeploymentEnding while the deployment is being removed. If the removal is cancelled, the reconciler starts
 *   the next execution
 */
export async function assignSites(
  deps: AssignDeps,
  { fleetId, execution }: { fleetId: string; execution: number },
): Promise<Assignment> {
  const { store } = deps;
  const spec = await readSpec(store, fleetId);
  const fleet = await readFleetItem(store, fleetId);
  if (!fleet) throw new Error(`fleet ${fleetId} has no record`);
  const empty: Assignment = { fleetId, execution, clouds: [] };
  if (fleet.work !== 'provision' || fleet.execution !== execution || fleet.abortedRound === fleet.round) {
    // An earlier run of this state may have stored a key after the removal deleted the fleet's keys.
    if (isGoing(fleet.status)) await deps.forgetPrivateKey(fleetId);
    return empty;
  }
  const hasKey = fleet.sshPublicKey !== undefined || spec.nodeGroups.every(userKeyOf);
  const key = hasKey ? undefined : await deps.makeKey(`fleetwright ${fleet.name}`);
  const sshKeyParameter = key && (await deps.keepPrivateKey(fleetId, key.privateKey));
  // Open the placements before the fleet becomes Creating. A removal that starts later finds every placement,
  // and ends launching there.
  const placements = layOut(spec);
  const limit = pLimit(CONCURRENT_WRITES);
  await Promise.all(placements.map((one) => limit(() => openPlacement(store, fleetId, one, fleet.round))));
  // The removal of the deployment first writes that the deployment ends, then pauses launching at all placements. A
  // placement that was opened after that is paused here.
  const ending = await readEnding(store);
  if (ending) {
    await pauseLaunching(store, fleet, placements);
    throw new DeploymentEnding(`the deployment is being removed since ${ending.since}`);
  }
  const going = await updateFleet(store, fleet, {
    status: 'Creating',
    startedAt: fleet.startedAt ?? new Date(store.clock.now()).toISOString(),
    ...(key && sshKeyParameter ? { sshPublicKey: key.publicKey, sshKeyParameter } : {}),
  });
  if (!going) {
    const now = await readFleetItem(store, fleetId);
    if (sshKeyParameter && now && isGoing(now.status)) await deps.forgetPrivateKey(fleetId);
    throw new Error(`fleet ${fleetId} changed while its instances were assigned to sites`);
  }
  const wanted = placements.filter(({ count }) => count > 0);
  const given = givenSites(deps, placements, fleet.round);
  const clouds = await assignmentOf(deps, wanted, fleet.round);
  return {
    ...empty,
    clouds: inFewestMessages(clouds),
    ...(given.length > 0 ? { given } : {}),
  };
}

/**
 * Returns the sites where the fleet names something by the cloud's own ids. Includes sites that have no instance yet: one
 * may move there.
 */
function givenSites(
  deps: Pick<AssignDeps, 'queueUrls'>,
  placements: readonly Placement[],
  round: number,
): NonNullable<Assignment['given']> {
  return placements.filter(hasGiven).map(({ connectionKey, location, driver }) => ({
    connectionKey,
    location,
    queueUrl: queueUrlOf(deps, driver),
    round,
  }));
}

function queueUrlOf({ queueUrls }: Pick<AssignDeps, 'queueUrls'>, driver: DriverName): string {
  const queueUrl = queueUrls[driver];
  if (queueUrl === undefined) throw new Error(`QUEUE_URLS has no queue of driver ${driver}`);
  return queueUrl;
}

/**
 * Returns the work in its shortest form. If one message for each cloud can have all launches, the states that wait for
 * them send these messages. If one cloud has more, all messages are sent before any state waits. Pure.
 */
export function inFewestMessages(clouds: Assignment['clouds']): Assignment['clouds'] {
  const short = clouds.flatMap((cloud) => {
    const [site, ...others] = cloud.sites;
    if (!site || others.length > 0 || site.count > site.chunk) return [];
    const { location, round, first, count } = site;
    return [{ ...cloud, sites: [], only: { location, round, index: first, last: first + count - 1 } }];
  });
  return short.length === clouds.length ? short : clouds;
}

/** Returns the sites of a fleet, grouped by connection, with the concurrency of the workflow's Map states. */
export async function assignmentOf(
  { store, queueUrls }: Pick<AssignDeps, 'store' | 'queueUrls'>,
  placements: readonly Placement[],
  round: number,
): Promise<Assignment['clouds']> {
  const byConnection = Map.groupBy(placements, ({ connectionKey }) => connectionKey);
  return await Promise.all(
    [...byConnection].map(async ([connectionKey, ofConnection]) => {
      const [first] = ofConnection;
      if (!first) throw new Error(`the layout has no placement for connection ${connectionKey}`);
      const queueUrl = queueUrlOf({ queueUrls }, first.driver);
      const limits = await limitsOf(store, first);
      return {
        cloud: first.cloud,
        driver: first.driver,
        connectionKey,
        concurrentLocations: Math.min(MAX_INLINE_MAP, limits.concurrentLocations ?? MAX_INLINE_MAP),
        queueUrl,
        sites: ofConnection.map((placement) => ({
          connectionKey,
          location: placement.location,
          queueUrl,
          first: placement.first,
          count: placement.count,
          round,
          ...shapeOf(limitsAt(limits, placement.location)),
        })),
      };
    }),
  );
}

/**
 * Returns the limits of the connection. If the connection was deleted, returns the default limits of its
 * cloud.
 */
async function limitsOf(
  store: Store<'access'>,
  { connectionKey, driver, cloud }: Placement,
): Promise<LimitProfile> {
  const connection = await readConnectionOf(store, parseConnectionKey(connectionKey));
  return limitProfileOf(connection ?? { driver, cloud }, connection?.limits);
}

/** Returns the longest time limit of a placement's instances, in seconds. */
export function longestTimeoutSeconds({ ranges }: Placement): number {
  return Math.max(
    ...ranges.map(({ group }) => group.instanceTimeoutSeconds ?? DEFAULT_INSTANCE_TIMEOUT_SECONDS),
  );
}
