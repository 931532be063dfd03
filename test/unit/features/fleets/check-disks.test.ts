import { describe, expect, it } from 'vitest';
import type { DriverFeature } from '../../../../functions/drivers/contract/metadata.ts';
import { checkDisks, checkRootSize } from '../../../../functions/features/fleets/check-disks.ts';
import type { DiskFields } from '../../../../functions/model/disk.ts';

const ALL: DriverFeature[] = [
  'disk-types',
  'disk-performance',
  'disk-encryption',
  'disk-keys',
  'data-disks',
  'kept-disks',
];
const TYPES = {
  ssd: {
    sizeGb: { min: 1, max: 1_000 },
    iops: { min: 3_000, max: 16_000, perGb: 500 },
    throughputMbps: { min: 125, max: 1_000 },
  },
  fast: { sizeGb: { min: 4, max: 1_000 }, iops: { min: 100, max: 64_000, perGb: 50, isNeeded: true } },
  cold: { sizeGb: { min: 125, max: 1_000 }, isBootable: false },
} as const;

/** Returns the pointer, relative to the group, and the code of each error. */
function errorsOf(fields: DiskFields, features = ALL, hasTypes = true): string[] {
  const driver = {
    title: 'Test',
    features,
    ...(hasTypes ? { diskTypes: TYPES, defaultDiskType: 'ssd' } : {}),
  };
  return checkDisks('/group', fields, driver).map(
    ({ pointer, code }) => `${pointer.slice('/group/'.length)} ${code}`,
  );
}

const data = (over: object = {}) => ({ sizeGb: 200, deleteOnTermination: true, ...over });

describe('checkRootSize', () => {
  const image = { name: 'ubuntu-24.04', minDiskGb: 8 };
  const errorsFor = (disks: DiskFields) =>
    checkRootSize('/group', disks, image).map(({ pointer, code }) => `${pointer} ${code}`);

  it('refuses a root disk that is smaller than the image needs, at the field that names its size', () => {
    expect(errorsFor({ rootDisk: { sizeGb: 7 } })).toEqual(['/group/rootDisk/sizeGb too-small']);
    expect(errorsFor({ rootDiskGb: 7 })).toEqual(['/group/rootDiskGb too-small']);
  });

  it('accepts any other size, no size, and an image whose need is not known', () => {
    expect(errorsFor({ rootDisk: { sizeGb: 8 } })).toEqual([]);
    expect(errorsFor({ rootDisk: { type: 'ssd' } })).toEqual([]);
    expect(checkRootSize('/group', { rootDiskGb: 1 }, { name: 'own' })).toEqual([]);
  });
});

describe('checkDisks', () => {
  it('accepts disks that the driver offers', () => {
    const rootDisk = {
      sizeGb: 30,
      type: 'ssd',
      iops: 4_000,
      throughputMbps: 250,
      encrypted: true,
      encryptionKeyId: 'key-1',
    };
    const dataDisks = [data(), data({ type: 'cold', deleteOnTermination: false })];
    expect(errorsOf({ rootDisk, dataDisks })).toEqual([]);
    expect(errorsOf({ rootDiskGb: 30 }, [])).toEqual([]);
    expect(errorsOf({})).toEqual([]);
  });

  it.each<[string, DriverFeature, DiskFields, string]>([
    ['a type', 'disk-types', { rootDisk: { type: 'ssd' } }, 'rootDisk/type'],
    ['IOPS', 'disk-performance', { rootDisk: { iops: 3_000 } }, 'rootDisk/iops'],
    ['a throughput', 'disk-performance', { rootDisk: { throughputMbps: 125 } }, 'rootDisk/throughputMbps'],
    ['encryption', 'disk-encryption', { rootDisk: { encrypted: true } }, 'rootDisk/encrypted'],
    ['a key', 'disk-keys', { rootDisk: { encryptionKeyId: 'k' } }, 'rootDisk/encryptionKeyId'],
    ['data disks', 'data-disks', { dataDisks: [data()] }, 'dataDisks'],
    [
      'kept disks',
      'kept-disks',
      { dataDisks: [data(), data({ deleteOnTermination: false })] },
      'dataDisks/1/deleteOnTermination',
    ],
  ])('refuses %s if the driver lacks the feature %s, at the field', (_what, feature, fields, pointer) => {
    const others = ALL.filter((one) => one !== feature);
    expect(errorsOf(fields, others)).toEqual([`${pointer} unsupported`]);
  });

  it.each<[string, DiskFields, string]>([
    ['an unknown type', { rootDisk: { type: 'ssd9' } }, 'rootDisk/type unknown-disk-type'],
    ['more IOPS than the type takes', { rootDisk: { iops: 16_001 } }, 'rootDisk/iops too-big'],
    ['fewer IOPS than the type takes', { rootDisk: { iops: 2_999 } }, 'rootDisk/iops too-small'],
    [
      'more IOPS than the size allows',
      { dataDisks: [data({ sizeGb: 10, type: 'fast', iops: 501 })] },
      'dataDisks/0/iops too-big',
    ],
    ['no IOPS for a type that needs them', { rootDisk: { type: 'fast' } }, 'rootDisk/iops required'],
    [
      'IOPS for a type that takes none',
      { dataDisks: [data({ type: 'cold', iops: 100 })] },
      'dataDisks/0/iops unsupported',
    ],
    ['too much throughput', { rootDisk: { throughputMbps: 1_001 } }, 'rootDisk/throughputMbps too-big'],
    ['a disk that is too large', { rootDisk: { sizeGb: 1_001 } }, 'rootDisk/sizeGb too-big'],
    ['a size of the older field that is too large', { rootDiskGb: 1_001 }, 'rootDiskGb too-big'],
    ['a root disk that cannot be booted', { rootDisk: { type: 'cold' } }, 'rootDisk/type not-bootable'],
  ])('refuses %s, at the field', (_what, fields, expected) => {
    expect(errorsOf(fields)).toEqual([expected]);
  });

  it('leaves types to the cloud if the driver does not know them', () => {
    expect(errorsOf({ rootDisk: { type: 'ssd9', iops: 1 } }, ALL, false)).toEqual([]);
  });
});
