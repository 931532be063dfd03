import { DescribeAvailabilityZonesCommand } from '@aws-sdk/client-ec2';
import type { Location } from '../../model/cloud.ts';
import { DriverError } from '../contract/errors.ts';
import type { Ec2 } from './ec2.ts';
import { regionFacts } from './regions.ts';
import { filter } from './tags.ts';

/** Lists the regions that are enabled for the account. A region whose zones cannot be read is listed as down. */
export async function listLocations(ec2: Ec2): Promise<Location[]> {
  const regions = await ec2.regions();
  const names = regions.flatMap(({ RegionName }) => RegionName ?? []).sort();
  return await Promise.all(
    names.map(async (name) => {
      const zones = await zonesOf(ec2, name).catch((error: unknown) => {
        if (error instanceof DriverError && error.code === 'Unavailable') return [];
        throw error;
      });
      return { name, ...regionFacts(name), zones, available: zones.length > 0 };
    }),
  );
}

/**
 * Returns the names of a region's availability zones, in order. Leaves out local zones, wavelength zones and zones that
 * are down.
 */
export async function zonesOf(ec2: Ec2, location: string): Promise<string[]> {
  const { AvailabilityZones } = await ec2.send(
    location,
    new DescribeAvailabilityZonesCommand({
      Filters: [filter('state', 'available'), filter('zone-type', 'availability-zone')],
    }),
  );
  return (AvailabilityZones ?? []).flatMap(({ ZoneName }) => ZoneName ?? []).sort();
}
