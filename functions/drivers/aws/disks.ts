import type { Image } from '@aws-sdk/client-ec2';

/**
 * The image's disks, all of them gone with the machine; the root as large as asked for, if that was said. Each has its
 * size: AWS takes it from the snapshot where it is absent, other EC2s do not.
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
