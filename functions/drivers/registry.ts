import type { DriverName } from '../model/connection.ts';
import type { Driver } from './driver.ts';
import { simDriver } from './sim/driver.ts';

/**
 * Every driver by its name, for those who describe drivers. A driver's own function imports its driver alone, so
 * that no other cloud's SDK is in its bundle.
 */
export const DRIVERS = { sim: simDriver } as const satisfies Record<DriverName, Driver>;

export function driverOf(name: DriverName): Driver {
  return DRIVERS[name];
}
