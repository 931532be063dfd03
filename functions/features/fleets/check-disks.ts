import { diskTooSmall } from '../../drivers/contract/machine-checks.ts';
import type { DiskRange, DiskType, DriverFeature, DriverMetadata } from '../../drivers/contract/metadata.ts';
import type { Image } from '../../model/cloud.ts';
import { type DataDisk, type DiskFields, keepsDisks, type RootDisk } from '../../model/disk.ts';
import type { RequestError } from './request-error.ts';

type Driver = Pick<DriverMetadata, 'title' | 'features' | 'diskTypes' | 'defaultDiskType'>;

/** The feature that a driver needs for each field of a disk. */
const NEEDED = {
  type: 'disk-types',
  iops: 'disk-performance',
  throughputMbps: 'disk-performance',
  encrypted: 'disk-encryption',
  encryptionKeyId: 'disk-keys',
} as const satisfies Partial<Record<keyof RootDisk, DriverFeature>>;
const FIELDS = ['type', 'iops', 'throughputMbps', 'encrypted', 'encryptionKeyId'] as const;

/**
 * Checks the disks of a node group against what the driver's clouds have. Pure. A driver that does not know its clouds'
 * disk types leaves the names to the cloud.
 *
 * @param pointer JSON pointer of the group in the request body
 */
export function checkDisks(
  pointer: string,
  { rootDisk, rootDiskGb, dataDisks = [] }: DiskFields,
  driver: Driver,
): RequestError[] {
  const data = dataDisks.map((disk, at) => ({ disk, at: `${pointer}/dataDisks/${at}` }));
  return [
    ...(rootDisk ? checkDisk(`${pointer}/rootDisk`, rootDisk, driver, true) : []),
    ...(rootDiskGb === undefined
      ? []
      : checkSize(`${pointer}/rootDiskGb`, rootDiskGb, typeOf({}, driver), driver)),
    ...checkDataDisks(pointer, dataDisks, driver),
    ...data.flatMap(({ disk, at }) => checkDisk(at, disk, driver, false)),
  ];
}

/** Checks the size of the root disk against an image of the catalogue. Pure. */
export function checkRootSize(
  pointer: string,
  { rootDisk, rootDiskGb }: DiskFields,
  { name, minDiskGb = 0 }: Pick<Image, 'name' | 'minDiskGb'>,
): RequestError[] {
  const sizeGb = rootDisk?.sizeGb ?? rootDiskGb;
  if (sizeGb === undefined || sizeGb >= minDiskGb) return [];
  const field = rootDisk ? 'rootDisk/sizeGb' : 'rootDiskGb';
  return [{ pointer: `${pointer}/${field}`, code: 'too-small', message: diskTooSmall(name, minDiskGb) }];
}

function checkDataDisks(pointer: string, dataDisks: readonly DataDisk[], driver: Driver): RequestError[] {
  if (dataDisks.length === 0) return [];
  if (!driver.features.includes('data-disks')) {
    return [unsupported(`${pointer}/dataDisks`, 'data disks', driver)];
  }
  if (driver.features.includes('kept-disks')) return [];
  return dataDisks.flatMap((disk, at) =>
    keepsDisks({ dataDisks: [disk] })
      ? [unsupported(`${pointer}/dataDisks/${at}/deleteOnTermination`, 'disks that are kept', driver)]
      : [],
  );
}

function checkDisk(pointer: string, disk: RootDisk, driver: Driver, isRoot: boolean): RequestError[] {
  const absent = FIELDS.filter(
    (field) => disk[field] !== undefined && !driver.features.includes(NEEDED[field]),
  );
  if (absent.length > 0) {
    return absent.map((field) => unsupported(`${pointer}/${field}`, `the field ${field} of a disk`, driver));
  }
  const { diskTypes } = driver;
  const name = typeOf(disk, driver);
  const type = name === undefined ? undefined : diskTypes?.[name];
  if (diskTypes && name !== undefined && !type) {
    const known = Object.keys(diskTypes).join(', ');
    const message = `${driver.title} has no disk type ${name}; its types are: ${known}`;
    return [{ pointer: `${pointer}/type`, code: 'unknown-disk-type', message }];
  }
  if (!type || name === undefined) return [];
  return [
    ...(isRoot && type.isBootable === false
      ? [
          {
            pointer: `${pointer}/type`,
            code: 'not-bootable',
            message: `a machine cannot boot from a disk of type ${name}`,
          },
        ]
      : []),
    ...(disk.sizeGb === undefined ? [] : checkSize(`${pointer}/sizeGb`, disk.sizeGb, name, driver)),
    ...checkIops(`${pointer}/iops`, disk, name, type),
    ...checkRange(`${pointer}/throughputMbps`, disk.throughputMbps, type.throughputMbps, 'throughput', name),
  ];
}

const typeOf = ({ type }: Pick<RootDisk, 'type'>, { defaultDiskType }: Driver): string | undefined =>
  type ?? defaultDiskType;

function checkSize(
  pointer: string,
  sizeGb: number,
  name: string | undefined,
  { diskTypes }: Driver,
): RequestError[] {
  const type = name === undefined ? undefined : diskTypes?.[name];
  return type && name !== undefined ? checkRange(pointer, sizeGb, type.sizeGb, 'size', name) : [];
}

function checkIops(
  pointer: string,
  { iops, sizeGb }: RootDisk,
  name: string,
  { iops: range }: DiskType,
): RequestError[] {
  if (iops === undefined) {
    const message = `must be given for a disk of type ${name}`;
    return range?.isNeeded ? [{ pointer, code: 'required', message }] : [];
  }
  const errors = checkRange(pointer, iops, range, 'number of IOPS', name);
  const most = range?.perGb === undefined || sizeGb === undefined ? undefined : range.perGb * sizeGb;
  if (errors.length > 0 || most === undefined || iops <= Math.max(most, range?.min ?? 0)) return errors;
  const message = `a disk of type ${name} with ${sizeGb} GB has at most ${most} IOPS; the request names ${iops}`;
  return [{ pointer, code: 'too-big', message }];
}

function checkRange(
  pointer: string,
  value: number | undefined,
  range: DiskRange | undefined,
  what: string,
  name: string,
): RequestError[] {
  if (value === undefined) return [];
  if (!range) {
    return [{ pointer, code: 'unsupported', message: `a disk of type ${name} takes no ${what}` }];
  }
  const { min, max } = range;
  if (value >= min && value <= max) return [];
  const code = value < min ? 'too-small' : 'too-big';
  return [{ pointer, code, message: `the ${what} of a disk of type ${name} must be from ${min} to ${max}` }];
}

const unsupported = (pointer: string, what: string, { title }: Driver): RequestError => ({
  pointer,
  code: 'unsupported',
  message: `the driver of ${title} does not support ${what}`,
});
