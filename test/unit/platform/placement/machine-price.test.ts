import { expect, test } from 'vitest';
import { publicIpUsdPerHour } from '../../../../functions/model/public-ip-price.ts';
import { microUsdPerHourOf } from '../../../../functions/platform/placement/machine-price.ts';

test('a machine costs what its type, its public address and its disks cost, and an unknown price counts as 0', () => {
  expect(microUsdPerHourOf({}, 'east', 0.096)).toBe(96_000);
  expect(microUsdPerHourOf({ publicIpUsdPerHour: 0.005 }, 'east', 0.096)).toBe(101_000);
  expect(microUsdPerHourOf({ publicIpUsdPerHour: 0.005 }, 'east')).toBe(5_000);
  expect(microUsdPerHourOf({ publicIpUsdPerHour: 0.005, disksUsdPerHour: 0.011 }, 'east', 0.096)).toBe(
    112_000,
  );
  expect(microUsdPerHourOf({}, 'east')).toBe(0);
});

test('disks cost what they cost at the location of the machine', () => {
  const disksPrices = { east: { usdPerHour: 0.01, unpriced: 0 }, west: { usdPerHour: 0, unpriced: 1 } };
  expect(microUsdPerHourOf({ disksPrices }, 'east', 0.1)).toBe(110_000);
  expect(microUsdPerHourOf({ disksPrices }, 'west', 0.1)).toBe(100_000);
});

test('the price of a public address is known at AWS, which is $3.65 a month, but not in China and at other clouds', () => {
  expect((publicIpUsdPerHour('aws', 'us-east-1') ?? 0) * 730).toBeCloseTo(3.65);
  expect(publicIpUsdPerHour('aws', 'cn-north-1')).toBeUndefined();
  expect(publicIpUsdPerHour('gcp', 'us-east1')).toBeUndefined();
});
