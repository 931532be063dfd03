import { createHash } from 'node:crypto';
import {
  CreateTagsCommand,
  type Instance,
  RunInstancesCommand,
  type RunInstancesCommandInput,
} from '@aws-sdk/client-ec2';
import { keepsDisks } from '../../model/disk.ts';
import { parseLaunchToken } from '../../model/identifiers.ts';
import type { CreateOutcome, NamedMachine } from '../contract/capabilities.ts';
import { type CloudInstance, DEPLOYMENT_TAG, INSTANCE_TAG, type InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { launchListsOf } from '../contract/launch-list.ts';
import { machineName } from '../contract/names.ts';
import { encodedUserData } from '../contract/user-data.ts';
import { disksOf } from './disks.ts';
import type { Ec2 } from './ec2.ts';
import { cloudInstance } from './instance-answers.ts';
import { LaunchFacts } from './launch-facts.ts';
import { marketOptions } from './markets.ts';
import { namingKeys } from './naming-keys.ts';
import { ReservationBook } from './reservations.ts';
import { NAME_TAG, TOKEN_TAG, TOKEN_TAGS, tagList, tagsFor } from './tags.ts';
import { type TypeBook, typeName } from './type-book.ts';
import { whenVisible } from './visible.ts';

/**
 * Maximum number of machines in one call. AWS advises calls for 100 machines rather than larger ones. Their launch tokens
 * fit into the tags of TOKEN_TAGS.
 */
export const MAX_BATCH = 100;

type Batch = readonly [InstanceSpec, ...InstanceSpec[]];

/**
 * Makes machines with RunInstances. This one call sets everything that a machine needs. Therefore a failure of a later
 * call cannot leave an incomplete machine.
 */
export class Launcher {
  readonly #ec2: Ec2;
  readonly #deploymentId: string;
  readonly #facts: LaunchFacts;
  readonly #reservations: ReservationBook;

  constructor(ec2: Ec2, types: TypeBook, deploymentId: string) {
    this.#ec2 = ec2;
    this.#deploymentId = deploymentId;
    this.#facts = new LaunchFacts(ec2, types);
    this.#reservations = new ReservationBook(ec2);
  }

  async launch(spec: InstanceSpec): Promise<CloudInstance> {
    const [machine] = await this.#run([spec], {
      [NAME_TAG]: machineName(this.#deploymentId, spec.launchToken),
      [INSTANCE_TAG]: spec.instanceId,
      [TOKEN_TAG]: spec.launchToken,
    });
    if (machine) return this.#answer(spec, machine);
    throw new DriverError('OutcomeUnknown', 'ec2:RunInstances: the answer has no machine');
  }

  /** Launches several machines. @returns one outcome for each spec, in the order of the specs */
  async launchAll(specs: readonly InstanceSpec[]): Promise<CreateOutcome[]> {
    const outcomes = new Map<InstanceSpec, CreateOutcome>();
    const launchOne = async (batch: Batch) => {
      const made = await this.#launchBatch(batch);
      batch.forEach((spec, at) => {
        outcomes.set(
          spec,
          made[at] ?? {
            error: new DriverError(
              'OutcomeUnknown',
              'ec2:RunInstances: the answer has no machine for this launch token',
            ),
          },
        );
      });
    };
    await Promise.all(batchesOf(specs).map(launchOne));
    return specs.flatMap((spec) => outcomes.get(spec) ?? []);
  }

  async #launchBatch(batch: Batch): Promise<CreateOutcome[]> {
    if (batch.length === 1) return [await outcomeOf(() => this.launch(batch[0]))];
    let machines: Instance[];
    try {
      machines = await this.#run(batch, {
        ...listTags(batch),
      });
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      // EC2 created no machine.
      return batch.map(() => ({ error }));
    }
    const inOrder = new Map(machines.map((machine) => [machine.AmiLaunchIndex ?? 0, machine]));
    return batch.map((spec, at): CreateOutcome => {
      const machine = inOrder.get(at);
      if (!machine) return { error: notMade(machines.length, batch.length) };
      return { instance: this.#answer(spec, machine) };
    });
  }

  /** Gives a machine of a batch tags of its own, so that people can find the machine by name. */
  async name(location: string, { backendId, instanceId, launchToken }: NamedMachine): Promise<void> {
    const tags = {
      [NAME_TAG]: machineName(this.#deploymentId, launchToken),
      [INSTANCE_TAG]: instanceId,
      [TOKEN_TAG]: launchToken,
    };
    await this.#ec2.send(location, new CreateTagsCommand({ Resources: [backendId], Tags: tagList(tags) }));
  }

  /**
   * Converts EC2's answer for a spec. The instance id and the launch token come from the spec, because the machine's
   * tags may have been changed.
   */
  #answer({ instanceId, launchToken }: InstanceSpec, machine: Instance): CloudInstance {
    return { ...cloudInstance(machine, this.#deploymentId), instanceId, launchToken };
  }

  async #run(batch: Batch, identity: Readonly<Record<string, string>>): Promise<Instance[]> {
    const [spec] = batch;
    await this.#reservations.check(spec);
    const { image, subnets } = await this.#facts.of(spec);
    const [first, ...others] = batch;
    const token = this.idempotencyKeyOf([first.launchToken, ...others.map(({ launchToken }) => launchToken)]);
    const { [INSTANCE_TAG]: _, ...shared } = spec.tags;
    const tags = { ...shared, ...identity, [DEPLOYMENT_TAG]: this.#deploymentId };
    const command = new RunInstancesCommand({
      ClientToken: token,
      // EC2 creates as many machines as it has room for. A refusal then means that it has no room for any.
      MinCount: 1,
      MaxCount: batch.length,
      InstanceType: typeName(spec.instanceType),
      ImageId: spec.imageBackendId,
      KeyName: spec.keyPairBackendId,
      NetworkInterfaces: [
        {
          DeviceIndex: 0,
          // A spec without a zone leaves the choice to the driver. EC2 refuses a repeated client token if another
          // parameter differs from the first request. Therefore the token selects the subnet.
          SubnetId: subnets[Number.parseInt(token.slice(0, 8), 16) % subnets.length]?.id,
          Groups: [...spec.securityGroupBackendIds],
          AssociatePublicIpAddress: spec.publicIp ?? true,
          DeleteOnTermination: true,
        },
      ],
      BlockDeviceMappings: disksOf(image, spec),
      ...optionsOf(spec),
      ...marketOptions(spec),
      TagSpecifications: tagsFor(['instance', 'volume', 'network-interface'], tags),
    });
    // EC2 may not know a new network's subnets and security group yet.
    const run = () => this.#ec2.send(spec.location, command);
    const { Instances } = await namingKeys(spec, () => whenVisible(this.#ec2.clock, run));
    return Instances ?? [];
  }

  /**
   * Returns a hash of 64 characters, EC2's maximum. The hash includes the deployment's id, because deployments may
   * share an account.
   */
  idempotencyKeyOf(launchTokens: readonly [string, ...string[]]): string {
    return createHash('sha256')
      .update([this.#deploymentId, ...launchTokens].join(' '))
      .digest('hex');
  }
}

/**
 * Returns the error of machines that EC2 has left out of a call. EC2 creates the largest possible number, and says
 * nothing about the others.
 */
function notMade(made: number, asked: number): DriverError {
  const message = `ec2:RunInstances: EC2 had room for ${made} of ${asked} machines`;
  return new DriverError('InsufficientCapacity', message, {
    answered: true,
    call: 'ec2:RunInstances',
    scope: 'zone',
    holdsForOne: true,
  });
}

/** Returns the tags that list the launch tokens of a batch. */
function listTags(batch: Batch): Record<string, string> {
  const values = launchListsOf(batch.map(({ launchToken }) => launchToken));
  return Object.fromEntries(
    TOKEN_TAGS.flatMap((key, at) => (values[at] === undefined ? [] : [[key, values[at]]])),
  );
}

/** Returns the parameters for the options of a machine. */
function optionsOf(spec: InstanceSpec): Partial<RunInstancesCommandInput> {
  const { identity, placementGroup, metadataOptions: { enabled, tokens = 'required', hopLimit } = {} } = spec;
  const UserData = encodedUserData(spec);
  return {
    ...(UserData === undefined ? {} : { UserData }),
    ...(identity === undefined ? {} : { IamInstanceProfile: profileOf(identity) }),
    ...(placementGroup === undefined ? {} : { Placement: groupOf(placementGroup) }),
    MetadataOptions: {
      HttpTokens: tokens,
      ...(enabled === undefined ? {} : { HttpEndpoint: enabled ? 'enabled' : 'disabled' }),
      ...(hopLimit === undefined ? {} : { HttpPutResponseHopLimit: hopLimit }),
    },
  };
}

/** Returns a placement group, which a user names by its name or its id. */
export const groupOf = (group: string): { GroupId?: string; GroupName?: string } =>
  /^pg-[0-9a-f]+$/.test(group) ? { GroupId: group } : { GroupName: group };

/** Returns an instance profile, which a user names by its name or its ARN. */
export const profileOf = (identity: string) =>
  identity.startsWith('arn:') ? { Arn: identity } : { Name: identity };

/**
 * Divides the specs into batches. Each batch becomes one call. A batch belongs to one fleet, because its tag has the
 * fleet's id only once. A machine that keeps disks gets a call of its own: all volumes of one call have the same tags, and
 * the tags of a volume must tell its machine when the machine is gone.
 */
function batchesOf(specs: readonly InstanceSpec[]): Batch[] {
  const byFleet = Map.groupBy(specs, (spec) =>
    keepsDisks({ dataDisks: [...(spec.dataDisks ?? [])] })
      ? spec.launchToken
      : parseLaunchToken(spec.launchToken)?.fleetId,
  );
  const batches: Batch[] = [];
  for (const same of byFleet.values()) {
    for (let at = 0; at < same.length; at += MAX_BATCH) {
      const [first, ...rest] = same.slice(at, at + MAX_BATCH);
      if (first) batches.push([first, ...rest]);
    }
  }
  return batches;
}

async function outcomeOf(launch: () => Promise<CloudInstance>): Promise<CreateOutcome> {
  try {
    return { instance: await launch() };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return { error };
  }
}
