import * as z from 'zod';

/** Names of all drivers. `drivers/registry.ts` contains the metadata of each driver. */
export const DRIVER_NAMES = ['sim', 'aws', 'openstack', 'cb-spider'] as const;
export const driverNameSchema = z.enum(DRIVER_NAMES);
export type DriverName = z.infer<typeof driverNameSchema>;
