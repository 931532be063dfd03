import type { FleetRequest } from '../../functions/model/fleet-request.ts';

/** One fleet that the benchmark measures. */
export interface BootCase {
  name: CaseName;
  instances: number;
  /** Number of locations that the instances are spread over. */
  locations: number;
}

export const CASE_NAMES = ['firstFleet', 'twenty', 'oneLocation', 'eightLocations'] as const;
export type CaseName = (typeof CASE_NAMES)[number];

/**
 * The cases, in the order in which they run. The first case also starts the processes of the Lambda
 * functions.
 */
export const BOOT_CASES: readonly BootCase[] = [
  { name: 'firstFleet', instances: 20, locations: 1 },
  { name: 'twenty', instances: 20, locations: 1 },
  { name: 'oneLocation', instances: 150, locations: 1 },
  { name: 'eightLocations', instances: 60, locations: 8 },
];

export const MOST_LOCATIONS = Math.max(...BOOT_CASES.map(({ locations }) => locations));

const FLEET_NAMES: Readonly<Record<CaseName, string>> = {
  firstFleet: 'quick-boots-first',
  twenty: 'quick-boots-twenty',
  oneLocation: 'quick-boots-one-location',
  eightLocations: 'quick-boots-eight-locations',
};

/** Locations, instance type and image of the benchmark's machines at a cloud. */
export interface Offered {
  connection: string;
  locations: readonly string[];
  instanceType: string;
  image: string;
}

/** Makes the fleet of a case. @throws RangeError when the cloud has too few locations */
export function fleetOf(
  { name, instances, locations }: BootCase,
  { connection, locations: known, instanceType, image }: Offered,
): FleetRequest {
  if (known.length < locations) throw new RangeError(`${connection} has ${known.length} locations`);
  const group = { name: 'machines', size: instances, locations: known.slice(0, locations) };
  return {
    name: FLEET_NAMES[name],
    failurePolicy: 'continue',
    nodeGroups: [{ ...group, connection, instanceType, image }],
  };
}
