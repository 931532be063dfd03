import { expect, test } from 'vitest';
import { DRIVERS, driverOf } from '../../../functions/drivers/registry.ts';
import { CLOUDS } from '../../../functions/model/cloud.ts';
import { DRIVER_NAMES } from '../../../functions/model/connection.ts';

test('the registry has exactly the drivers that a connection may name, each under its own name', () => {
  expect(Object.keys(DRIVERS).sort()).toEqual([...DRIVER_NAMES].sort());
  for (const name of DRIVER_NAMES) expect(driverOf(name).name).toBe(name);
});

test('every cloud has a driver', () => {
  const served = new Set(Object.values(DRIVERS).flatMap(({ clouds }) => clouds));
  expect(CLOUDS.filter((cloud) => !served.has(cloud))).toEqual([]);
});
