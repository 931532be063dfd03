import { inFewestMessages } from '../../functions/features/fleets/assignment.ts';
import { shapeOf } from '../../functions/features/fleets/shape.ts';
import type { Cloud } from '../../functions/model/cloud.ts';
import type { FleetSpec, NodeGroup } from '../../functions/model/fleet.ts';
import { connectionKey } from '../../functions/model/identifiers.ts';
import type { LimitOverride } from '../../functions/model/limit-profile.ts';
import { limitProfileOf } from '../../functions/model/limits-in-force.ts';
import { layOut } from '../../functions/platform/placement/lay-out.ts';
import { type Assignment, assignmentSchema } from '../../functions/platform/workflow/messages.ts';

export const FLEET_ID = 'f0123456789abcdef';
/** Input of the workflow in the fleet's first execution. */
export const EXECUTION = { fleetId: FLEET_ID, execution: 1 } as const;
export const QUEUE_URL =
  'https://sqs.eu-central-1.amazonaws.com/123456789012/fleetwright-production-driver-sim';

export interface Part {
  cloud: Cloud;
  connection: string;
  locations: string[];
  size: number;
}

/** Number of locations of each simulated cloud: 53 in total. */
export const LOCATIONS: readonly [Cloud, number][] = [
  ['aws', 12],
  ['azure', 8],
  ['gcp', 10],
  ['alibaba', 6],
  ['tencent', 5],
  ['ibm', 5],
  ['ncp', 2],
  ['openstack', 5],
];

/** Returns location names that are as long as the longest names of real locations. */
export function locationNames(cloud: Cloud, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${cloud}-southeast-asia-${at + 1}`);
}

/** Returns the parts of a fleet (one for each cloud) that spread `size` instances over all 53 locations. */
export function everywhere(size: number): Part[] {
  return LOCATIONS.map(([cloud, count], at) => ({
    cloud,
    connection: `production-${cloud}`,
    locations: locationNames(cloud, count),
    size: Math.floor(size / LOCATIONS.length) + (at < size % LOCATIONS.length ? 1 : 0),
  }));
}

function group({ cloud, connection, locations, size }: Part, at: number): NodeGroup {
  return {
    name: `group-${at}`,
    size,
    connection,
    locations,
    instanceType: 'm6i.large',
    image: 'ubuntu-24.04',
    driver: 'sim',
    cloud,
    imageBackendIds: {},
    pricesUsdPerHour: {},
  };
}

/** Returns the assignment that the state Assign of provision-fleet makes for a fleet of these parts. */
export function assignmentOf(parts: Part[], override: LimitOverride = {}): Assignment {
  const assignment = sitesOf(parts, override);
  return { ...assignment, clouds: inFewestMessages(assignment.clouds) };
}

/** Returns the same with all sites, as the state BeginTermination of terminate-fleet does. */
export function sitesOf(parts: Part[], override: LimitOverride = {}): Assignment {
  const namespace = 'research-and-development';
  const spec: FleetSpec = {
    fleetId: FLEET_ID,
    namespace,
    name: 'web-global',
    nodeGroups: parts.map(group),
  };
  const placements = layOut(spec);
  const clouds = parts.map(({ cloud, connection }) => {
    const limits = limitProfileOf({ driver: 'sim', cloud }, override);
    const key = connectionKey({ driver: 'sim', namespace, name: connection });
    const sites = placements
      .filter((placement) => placement.connectionKey === key && placement.count > 0)
      .map(({ location, first, count }) => ({
        connectionKey: key,
        location,
        queueUrl: QUEUE_URL,
        first,
        count,
        round: 1,
        ...shapeOf(limits),
      }));
    return {
      cloud,
      driver: 'sim',
      connectionKey: key,
      concurrentLocations: Math.min(40, limits.concurrentLocations ?? 40),
      queueUrl: QUEUE_URL,
      sites,
    };
  });
  return assignmentSchema.parse({ ...EXECUTION, clouds });
}

/**
 * Returns the assignment of a fleet that names something by the cloud's own id at each of its sites.
 *
 * @param all the same assignment with all sites
 */
export function withGiven(assignment: Assignment, all = assignment): Assignment {
  const given = all.clouds.flatMap(({ sites }) =>
    sites.map(({ connectionKey: key, location, queueUrl, round }) => ({
      connectionKey: key,
      location,
      queueUrl,
      round,
    })),
  );
  return assignmentSchema.parse({ ...assignment, given });
}
