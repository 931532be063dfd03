import type { BlockDeviceMapping, EbsBlockDevice, Image, VolumeType } from '@aws-sdk/client-ec2';
import type { RootDisk } from '../../model/disk.ts';
import type { InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { awsMetadata } from './metadata.ts';

/** The letters of the device names for data disks, `/dev/sdf` first, as EC2 recommends. */
const DATA_LETTERS = 'fghijklmnopqrstuvwxyz';

/**
 * Returns the disks of a machine: those of its image, and the data disks of its spec. All of them are deleted with the
 * machine, except data disks that are to be kept. The result repeats the sizes of the image's disks, because some other
 * implementations of EC2's API do not take a missing size from the snapshot.
 */
export function disksOf(
  { RootDeviceName, BlockDeviceMappings }: Image,
  { rootDisk = {}, dataDisks = [] }: Pick<InstanceSpec, 'rootDisk' | 'dataDisks'>,
): BlockDeviceMapping[] {
  const sizes = new Map(
    (BlockDeviceMappings ?? []).flatMap(({ DeviceName, Ebs }) =>
      DeviceName && Ebs ? [[DeviceName, Ebs.VolumeSize] as const] : [],
    ),
  );
  const root = RootDeviceName ?? [...sizes.keys()][0];
  if (root !== undefined && !sizes.has(root)) sizes.set(root, undefined);
  const ofImage = [...sizes].map(([DeviceName, sizeGb]) => ({
    DeviceName,
    Ebs: {
      DeleteOnTermination: true,
      ...(DeviceName === root ? ebsOf('rootDisk', { sizeGb, ...rootDisk }) : sizeOf(sizeGb)),
    },
  }));
  const taken = new Set((BlockDeviceMappings ?? []).flatMap(({ DeviceName }) => DeviceName ?? []));
  const free = [...DATA_LETTERS].map((letter) => `/dev/sd${letter}`).filter((name) => !taken.has(name));
  const data = dataDisks.map((disk, at) => ({
    DeviceName: free[at],
    Ebs: { DeleteOnTermination: disk.deleteOnTermination, ...ebsOf(`dataDisks/${at}`, disk) },
  }));
  return [...ofImage, ...data];
}

/** @param field name of the disk in errors */
function ebsOf(
  field: string,
  {
    sizeGb,
    type,
    iops,
    throughputMbps,
    encrypted,
    encryptionKeyId,
  }: { sizeGb?: number | undefined } & Omit<RootDisk, 'sizeGb'>,
): EbsBlockDevice {
  const volumeType = typeOf(field, type) ?? awsMetadata.defaultDiskType;
  // EC2 takes a key only for a disk that is encrypted.
  const isEncrypted = encrypted ?? (encryptionKeyId === undefined ? undefined : true);
  return {
    VolumeType: volumeType,
    ...sizeOf(sizeGb),
    ...(iops === undefined ? {} : { Iops: iops }),
    ...(throughputMbps === undefined ? {} : { Throughput: throughputMbps }),
    ...(isEncrypted === undefined ? {} : { Encrypted: isEncrypted }),
    ...(encryptionKeyId === undefined ? {} : { KmsKeyId: encryptionKeyId }),
  };
}

const sizeOf = (sizeGb: number | undefined): EbsBlockDevice =>
  sizeGb === undefined ? {} : { VolumeSize: sizeGb };

const TYPES = Object.keys(awsMetadata.diskTypes);
const isType = (name: string): name is VolumeType & keyof typeof awsMetadata.diskTypes =>
  TYPES.includes(name);

/** @throws DriverError InvalidRequest for a type that EC2 does not have */
function typeOf(field: string, name: string | undefined): VolumeType | undefined {
  if (name === undefined) return undefined;
  if (isType(name)) return name;
  throw new DriverError('InvalidRequest', `${field}/type: EC2 has no volume type ${name}`);
}
