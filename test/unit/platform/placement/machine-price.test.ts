import { expect, test } from 'vitest';
import { publicIpUsdPerHour } from '../../../../functions/model/public-ip-price.ts';
import { microUsdPerHourOf } from '../../../../functions/platform/placement/machine-price.ts';

test('a machine costs what its type, its public address and its disks cost, and an unknown price counts as 0', () => {
  expect(microUsdPerHourOf({}, 0.096)).toBe(96_000);
  expect(microUsdPerHourOf({ publicIpUsdPerHour: 0.005 }, 0.096)).toBe(101_000);
  expect(microUsdPerHourOf({ publicIpUsdPerHour: 0.005 })).toBe(5_000);
  expect(microUsdPerHourOf({ publicIpUsdPerHour: 0.005, disksUsdPerHour: 0.011 }, 0.096)).toBe(112_000);
  expect(microUsdPerHourOf({})).toBe(0);
});

test('the price of a public address is known at AWS, which is $3.65 a month, but not in China and at other clouds', () => {
  expect((publicIpUsdPerHour('aws', 'us-east-1') ?? 0) * 730).toBeCloseTo(3.65);
  expect(publicIpUsdPerHour('aws', 'cn-north-1')).toBeUndefined();
  expect(publicIpUsdPerHour('gcp', 'us-east1')).toBeUndefined();
});
