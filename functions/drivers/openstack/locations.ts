import * as z from 'zod';
import type { Location } from '../../model/cloud.ts';
import { DriverError } from '../contract/errors.ts';
import type { Region } from './region.ts';

const zonesSchema = z.object({
  availabilityZoneInfo: z.array(
    z.object({ zoneName: z.string(), zoneState: z.object({ available: z.boolean() }) }),
  ),
});

export async function readLocation(region: Region): Promise<Location> {
  const { name } = region;
  try {
    const { availabilityZoneInfo: zones } = await region.call('compute', {
      method: 'GET',
      path: ['os-availability-zone'],
      answer: zonesSchema,
    });
    const available = zones.filter(({ zoneState }) => zoneState.available).map(({ zoneName }) => zoneName);
    return { name, displayName: name, zones: available.sort(), available: true };
  } catch (error) {
    // If one region is down or denies the call, the other regions must still be listed.
    if (!(error instanceof DriverError)) throw error;
    const down = { name, displayName: name, zones: [], available: false };
    if (error.code === 'Unavailable') return down;
    if (error.code !== 'Forbidden') throw error;
    // A policy may deny the list of zones alone. Whether the region can be used shows when its flavors are read.
    return { ...down, available: true };
  }
}
