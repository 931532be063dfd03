import { DeleteVolumeCommand, DescribeVolumesCommand, type Volume } from '@aws-sdk/client-ec2';
import { instanceId, parseLaunchToken } from '../../model/identifiers.ts';
import type { CloudVolume } from '../contract/capabilities.ts';
import { diskUsdPerMonth } from '../contract/disk-price.ts';
import { DEPLOYMENT_TAG } from '../contract/driver.ts';
import { tokenAt } from '../contract/launch-list.ts';
import { type Ec2, PAGE_SIZE } from './ec2.ts';
import { unless } from './errors.ts';
import { awsMetadata } from './metadata.ts';
import { tagFilter, tokenValues } from './tags.ts';

/** Lists and deletes the volumes that RunInstances has made with the deployment's tag. */
export class VolumeList {
  readonly #ec2: Ec2;
  readonly #deploymentId: string;

  constructor(ec2: Ec2, deploymentId: string) {
    this.#ec2 = ec2;
    this.#deploymentId = deploymentId;
  }

  async list(location: string): Promise<CloudVolume[]> {
    const Filters = [tagFilter(DEPLOYMENT_TAG, this.#deploymentId)];
    const volumes = await this.#ec2.all(
      (NextToken) =>
        this.#ec2.send(location, new DescribeVolumesCommand({ Filters, NextToken, MaxResults: PAGE_SIZE })),
      ({ Volumes: page }) => page,
    );
    return volumes.filter(({ State }) => State !== 'deleted').map((volume) => cloudVolume(location, volume));
  }

  async remove(location: string, id: string): Promise<void> {
    const call = new DeleteVolumeCommand({ VolumeId: id });
    await unless(['NotFound'], () => this.#ec2.send(location, call));
  }
}

/**
 * Converts a volume. All volumes of one call have the same tags. The volumes of a call for several machines therefore
 * tell no launch token. A volume that was made from a snapshot is a disk of the image; EC2 does not tell which data disk
 * another volume is.
 */
function cloudVolume(location: string, volume: Volume): CloudVolume {
  const { VolumeId = '', Size = 0, VolumeType, AvailabilityZone, CreateTime, State, SnapshotId } = volume;
  const launchToken = tokenAt(tokenValues(volume.Tags), undefined);
  const ref = launchToken === undefined ? undefined : parseLaunchToken(launchToken);
  const [attachment] = volume.Attachments ?? [];
  const usdPerMonth = diskUsdPerMonth(awsMetadata, location, {
    type: VolumeType,
    sizeGb: Size,
    iops: volume.Iops,
    throughputMbps: volume.Throughput,
  });
  return {
    backendId: VolumeId,
    sizeGb: Size,
    ...(ref ? { instanceId: instanceId(ref) } : {}),
    ...(launchToken === undefined ? {} : { launchToken }),
    ...(SnapshotId ? { disk: 'root' as const } : {}),
    ...(VolumeType === undefined ? {} : { type: VolumeType }),
    ...(usdPerMonth === undefined ? {} : { usdPerMonth }),
    ...(AvailabilityZone === undefined ? {} : { zone: AvailabilityZone }),
    ...(CreateTime ? { createdAtMs: CreateTime.getTime() } : {}),
    ...(attachment?.InstanceId === undefined ? {} : { attachedTo: attachment.InstanceId }),
    ...(attachment?.DeleteOnTermination === undefined
      ? {}
      : { endsWithMachine: attachment.DeleteOnTermination }),
    ...(State === undefined ? {} : { cloudStatus: State }),
    ...(State === 'deleting' ? { isLeaving: true } : {}),
  };
}
