import { DescribeAvailabilityZonesCommand } from '@aws-sdk/client-ec2';
import type { Location } from '../../model/cloud.ts';
import { DriverError } from '../contract/errors.ts';
import type { Ec2 } from './ec2.ts';
import { regionFacts } from './regions.ts';
import { filter } from './tags.ts';

const NOT_ENABLED = 'not-opted-in';

/**
 * Lists all regions. A region that is not enabled for the account, or whose zones EC2 denies to the credential, is
 * listed with the reason. A region whose zones cannot be read now is listed as down.
 */
export async function listLocations(ec2: Ec2): Promise<Location[]> {
  const regions = await ec2.regions();
  const known = regions.flatMap(({ RegionName: name, OptInStatus }) =>
    name === undefined ? [] : [{ name, isEnabled: OptInStatus !== NOT_ENABLED }],
  );
  return await Promise.all(
    known
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
      .map(({ name, isEnabled }) => (isEnabled ? readRegion(ec2, name) : notEnabled(name))),
  );
}

function notEnabled(name: string): Location {
  const message = `region ${name} is not enabled for this AWS account: enable it in the account's settings, or with \`aws account enable-region --region-name ${name}\``;
  const unavailable = { code: NOT_ENABLED, message };
  return { name, ...regionFacts(name), zones: [], available: false, unavailable };
}

async function readRegion(ec2: Ec2, name: string): Promise<Location> {
  try {
    const zones = await zonesOf(ec2, name);
    return { name, ...regionFacts(name), zones, available: zones.length > 0 };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const down = { name, ...regionFacts(name), zones: [], available: false };
    if (error.code === 'Unavailable') return down;
    if (error.code !== 'Forbidden') throw error;
    return { ...down, unavailable: { code: error.cloudCode ?? error.code, message: error.message } };
  }
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
