import { expect, it } from 'vitest';
import { awsMetadata } from '../../../../functions/drivers/aws/metadata.ts';
import { disksPriceOf, diskUsdPerMonth } from '../../../../functions/drivers/contract/disk-price.ts';
import { DRIVERS } from '../../../../functions/drivers/registry.ts';
import { simMetadata } from '../../../../functions/drivers/sim/metadata.ts';
import { DEFAULT_DISK_TYPES } from '../../../../local/sim/engine/disk-input.ts';

const at = (location: string, disk: Parameters<typeof diskUsdPerMonth>[2]) =>
  diskUsdPerMonth(awsMetadata, location, disk);

it.each([
  [{ sizeGb: 100 }, 8],
  [{ sizeGb: 100, type: 'gp3', iops: 3_000, throughputMbps: 125 }, 8],
  [{ sizeGb: 100, type: 'gp3', iops: 4_000, throughputMbps: 225 }, 8 + 5 + 4],
  [{ sizeGb: 10, type: 'io1', iops: 200 }, 1.25 + 13],
  [{ sizeGb: 1_000, type: 'io2', iops: 70_000 }, 125 + 32_000 * 0.065 + 32_000 * 0.0455 + 6_000 * 0.031_85],
  [{ sizeGb: 500, type: 'sc1' }, 7.5],
])('the price of the disk %j at AWS has its size, IOPS and throughput', (disk, usd) => {
  expect(at('us-east-1', disk)).toBeCloseTo(usd, 2);
});

it('a price is not known without a size, at a location with another price list, and of an unknown type', () => {
  expect(at('us-east-1', {})).toBeUndefined();
  expect(at('eu-central-1', { sizeGb: 100 })).toBeUndefined();
  expect(at('us-east-1', { sizeGb: 100, type: 'gp9' })).toBeUndefined();
  expect(diskUsdPerMonth(DRIVERS.openstack, 'RegionOne', { sizeGb: 100 })).toBeUndefined();
});

it('the price of an hour leaves out the disks whose price is not known, and tells their number', () => {
  const disks = [{ sizeGb: 73 }, { type: 'gp3' }, { sizeGb: 73, type: 'gp3' }];
  const known = disksPriceOf(awsMetadata, 'us-east-1', disks);
  expect(known.usdPerHour).toBeCloseTo(2 * 0.008);
  expect(known.unpriced).toBe(1);
  expect(disksPriceOf(awsMetadata, 'eu-central-1', disks)).toEqual({ usdPerHour: 0, unpriced: 3 });
  expect(disksPriceOf(awsMetadata, 'us-east-1', [])).toEqual({ usdPerHour: 0, unpriced: 0 });
});

it('the driver of the simulated clouds has the default prices of these clouds', () => {
  for (const [name, { usdPerGbMonth }] of Object.entries(DEFAULT_DISK_TYPES)) {
    expect(diskUsdPerMonth(simMetadata, 'anywhere', { sizeGb: 100, type: name })).toBeCloseTo(
      100 * usdPerGbMonth,
    );
  }
});
