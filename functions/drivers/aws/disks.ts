import type { Image } from '@aws-sdk/client-ec2';

/**
 * Returns the disks of a machine with this image. All of them are deleted with the machine. The root disk has the
 * requested size, if the request states a size. The result repeats the sizes of the image's disks, because some other
 * implementations of EC2's API do not take a missing size from the snapshot.
 */
export function disksOf({ RootDeviceName, BlockDeviceMappings }: Image, rootDiskGb: number | undefined) {
  const sizes = new Map(
    (BlockDeviceMappings ?? []).flatMap(({ DeviceName, Ebs }) =>
      DeviceName && Ebs ? [[DeviceName, Ebs.VolumeSize] as const] : [],
    ),
  );
  const root = RootDeviceName ?? [...sizes.keys()][0];
  if (root !== undefined) sizes.set(root, rootDiskGb ?? sizes.get(root));
  return [...sizes].map(([DeviceName, VolumeSize]) => ({
    DeviceName,
    Ebs: {
      DeleteOnTermination: true,
      ...(DeviceName === root ? { VolumeType: 'gp3' as const } : {}),
      ...(VolumeSize === undefined ? {} : { VolumeSize }),
    },
  }));
}
