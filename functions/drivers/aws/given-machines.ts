import {
  DescribeImagesCommand,
  DescribePlacementGroupsCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { architectureSchema } from '../../model/cloud.ts';
import { DEPLOYMENT_TAG } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import {
  faultsOfAll,
  type GivenImage,
  type GivenMachine,
  imageFaults,
  type MachineFault,
  unlessDenied,
} from '../contract/machine-checks.ts';
import type { Ec2 } from './ec2.ts';
import type { EncryptionKeys } from './encryption-keys.ts';
import { minDiskOf } from './images.ts';
import { groupOf, profileOf } from './launch.ts';
import { architecturesOf } from './offers.ts';
import { tagsFor } from './tags.ts';
import { type TypeBook, typeName } from './type-book.ts';

/** A well-formed id that no image has. */
const NO_IMAGE = 'ami-00000000000000000';

/** Errors after which a check is repeated. After any other error, nothing is known. */
const REPEATED: ReadonlySet<string> = new Set(['NoPermit', 'Throttled']);

/** Checks images, instance profiles, placement groups and encryption keys that users name by AWS's own ids. */
export class GivenMachines {
  readonly #ec2: Ec2;
  readonly #types: TypeBook;
  readonly #keys: EncryptionKeys;
  readonly #deploymentId: string;

  constructor(ec2: Ec2, types: TypeBook, keys: EncryptionKeys, deploymentId: string) {
    this.#ec2 = ec2;
    this.#types = types;
    this.#keys = keys;
    this.#deploymentId = deploymentId;
  }

  async findFaults(location: string, machine: GivenMachine): Promise<MachineFault[]> {
    await this.#ec2.requireRegion(location);
    const { encryptionKeys = [] } = machine;
    return await faultsOfAll([
      () => this.#imageAndIdentityFaults(location, machine),
      () => this.#groupFaults(location, machine),
      () => this.#keys.findFaults(location, encryptionKeys),
    ]);
  }

  async #imageAndIdentityFaults(location: string, machine: GivenMachine): Promise<MachineFault[]> {
    const ofImage = await unlessDenied(() => this.#imageFaults(location, machine));
    // A dry run with a wrong image tells nothing about the identity.
    return ofImage.length > 0 ? ofImage : await this.#identityFaults(location, machine);
  }

  /** Checks a placement group. Without the right to read it, nothing is known. */
  async #groupFaults(location: string, { placementGroup }: GivenMachine): Promise<MachineFault[]> {
    if (placementGroup === undefined) return [];
    const { GroupId, GroupName } = groupOf(placementGroup);
    const command = new DescribePlacementGroupsCommand({
      ...(GroupId === undefined ? {} : { GroupIds: [GroupId] }),
      ...(GroupName === undefined ? {} : { GroupNames: [GroupName] }),
    });
    const fault = (code: MachineFault['code'], message: string): MachineFault[] => [
      { field: 'placementGroup', code, message },
    ];
    const unknown = () =>
      fault('unknown-placement-group', `${location} has no placement group ${placementGroup}`);
    try {
      const [group] = (await this.#ec2.send(location, command)).PlacementGroups ?? [];
      if (!group) return unknown();
      const { State } = group;
      if (State === undefined || State === 'available') return [];
      return fault('not-usable', `placement group ${placementGroup} is ${State} at ${location}`);
    } catch (error) {
      if (!(error instanceof DriverError) || REPEATED.has(error.code)) throw error;
      // EC2 answers InvalidPlacementGroup.Unknown or InvalidPlacementGroupId.Malformed.
      return error.code === 'NotFound' || error.code === 'InvalidRequest' ? unknown() : [];
    }
  }

  async #imageFaults(
    location: string,
    { imageId, instanceTypes, rootDisk }: GivenMachine,
  ): Promise<MachineFault[]> {
    if (imageId === undefined) return [];
    const image = await this.#readImage(location, imageId);
    if (!image) return imageFaults(location, imageId, undefined, []);
    const infos = await this.#types.read(location, instanceTypes);
    const types = infos.map(({ InstanceType: name = '', ProcessorInfo }) => ({
      name,
      architectures: architecturesOf(ProcessorInfo?.SupportedArchitectures),
    }));
    return imageFaults(location, imageId, image, types, rootDisk);
  }

  async #readImage(location: string, imageId: string): Promise<GivenImage | undefined> {
    try {
      const answer = await this.#ec2.send(location, new DescribeImagesCommand({ ImageIds: [imageId] }));
      const image = answer.Images?.[0];
      if (!image) return undefined;
      const architecture = architectureSchema.safeParse(image.Architecture).data;
      return {
        // EC2 has architectures that no offered type has, for instance i386.
        architectures: architecture === undefined ? [] : [architecture],
        ...minDiskOf(image),
        ...(image.State === undefined || image.State === 'available' ? {} : { unusable: image.State }),
      };
    } catch (error) {
      // EC2 answers InvalidAMIID.NotFound or InvalidAMIID.Unavailable, also for an image that is not shared.
      if (error instanceof DriverError && (error.code === 'NotFound' || error.code === 'InvalidRequest'))
        return undefined;
      throw error;
    }
  }

  /** Checks by a dry run whether the credential may pass the instance profile's role to machines. */
  async #identityFaults(location: string, machine: GivenMachine): Promise<MachineFault[]> {
    const { identity, imageId = NO_IMAGE, instanceTypes } = machine;
    const [type] = instanceTypes;
    if (identity === undefined || type === undefined) return [];
    try {
      const made = await this.#ec2.dryRun(
        location,
        new RunInstancesCommand({
          DryRun: true,
          ImageId: imageId,
          InstanceType: typeName(type),
          MinCount: 1,
          MaxCount: 1,
          IamInstanceProfile: profileOf(identity),
          MetadataOptions: { HttpTokens: 'required' },
          TagSpecifications: tagsFor(['instance', 'volume', 'network-interface'], {
            [DEPLOYMENT_TAG]: this.#deploymentId,
          }),
        }),
      );
      // A server that is not EC2 may ignore the dry run.
      const InstanceIds = made?.Instances?.flatMap(({ InstanceId }) => InstanceId ?? []) ?? [];
      if (InstanceIds.length > 0)
        await this.#ec2.send(location, new TerminateInstancesCommand({ InstanceIds }));
      return [];
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      return identityFault(identity, error);
    }
  }
}

/** Returns the fault that a refused dry run shows; none if it was refused for another reason. */
function identityFault(identity: string, { code, message }: DriverError): MachineFault[] {
  // The dry run names no subnet, so that a policy for the deployment's own subnets may deny it. Only EC2's words tell a
  // missing right to pass the role from that.
  if (code === 'Forbidden' && message.includes('iam:PassRole')) {
    const advice = `allow the credential to pass the role of ${identity}, as docs/drivers/aws.md says`;
    return [{ field: 'identity', code: 'denied-identity', message: `${message}; ${advice}` }];
  }
  // EC2's code for a wrong profile, InvalidParameterValue, is the same for every parameter.
  const isAboutProfile = code === 'InvalidRequest' && /iam ?instance ?profile/i.test(message);
  return isAboutProfile ? [{ field: 'identity', code: 'unknown-identity', message }] : [];
}
