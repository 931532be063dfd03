import {
  CreateSecurityGroupCommand,
  CreateVpcCommand,
  DeleteKeyPairCommand,
  DeleteSecurityGroupCommand,
  DeleteVpcCommand,
  DescribeInstancesCommand,
  ImportKeyPairCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { DeniedRight } from '../contract/capabilities.ts';
import { DEPLOYMENT_TAG } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { Ec2 } from './ec2.ts';
import type { PublicParameters } from './public-parameters.ts';
import { tagsFor } from './tags.ts';

/** Public parameter that names Amazon's own newest image. Each account may launch it. */
const IMAGE_PARAMETER = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64';
/** A well-formed id that no image has. */
const NO_IMAGE = 'ami-00000000000000000';
const TYPE = 't3.micro';
const NAME = 'fleetwright-check-of-rights';
const PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA check';

/** Checks by dry runs whether EC2 lets the credential make what a launch needs. EC2 makes nothing in a dry run. */
export class Rights {
  readonly #ec2: Ec2;
  readonly #parameters: PublicParameters;
  readonly #deploymentId: string;

  constructor(ec2: Ec2, parameters: PublicParameters, deploymentId: string) {
    this.#ec2 = ec2;
    this.#parameters = parameters;
    this.#deploymentId = deploymentId;
  }

  /**
   * Returns the calls that EC2 denies. A dry run that fails for another reason, for instance because the account has no
   * default VPC, counts as allowed. If a server that is not EC2 ignores a dry run, the check removes what the server
   * made, and ends.
   */
  async denied(location: string, needs: 'networks' | 'machines'): Promise<DeniedRight[]> {
    const denied: DeniedRight[] = [];
    const ofNetworks = [() => this.#network(location), () => this.#group(location)];
    for (const ask of [
      () => this.#run(location),
      () => this.#list(location),
      ...(needs === 'networks' ? ofNetworks : []),
      () => this.#keyPair(location),
    ]) {
      const answer = await answerOf(ask);
      if (answer === 'ignored') break;
      if (answer === 'allowed') continue;
      denied.push(ofNetworks.includes(ask) ? { ...answer, for: 'networks' } : answer);
    }
    return denied;
  }

  async #run(location: string): Promise<Outcome> {
    const image = (await this.#parameters.read(location, [IMAGE_PARAMETER])).get(IMAGE_PARAMETER);
    const made = await this.#ec2.dryRun(
      location,
      new RunInstancesCommand({
        DryRun: true,
        ImageId: image ?? NO_IMAGE,
        InstanceType: TYPE,
        MinCount: 1,
        MaxCount: 1,
        MetadataOptions: { HttpTokens: 'required' },
        TagSpecifications: tagsFor(['instance', 'volume', 'network-interface'], this.#tags()),
      }),
    );
    if (!made) return 'allowed';
    const InstanceIds = (made.Instances ?? []).flatMap(({ InstanceId }) => InstanceId ?? []);
    if (InstanceIds.length > 0)
      await this.#ec2.send(location, new TerminateInstancesCommand({ InstanceIds }));
    return 'ignored';
  }

  async #list(location: string): Promise<Outcome> {
    await this.#ec2.send(location, new DescribeInstancesCommand({ MaxResults: 5 }));
    return 'allowed';
  }

  async #network(location: string): Promise<Outcome> {
    const TagSpecifications = tagsFor(['vpc'], this.#tags());
    const command = new CreateVpcCommand({ DryRun: true, CidrBlock: '10.0.0.0/16', TagSpecifications });
    const made = await this.#ec2.dryRun(location, command);
    if (!made) return 'allowed';
    if (made.Vpc?.VpcId) await this.#ec2.send(location, new DeleteVpcCommand({ VpcId: made.Vpc.VpcId }));
    return 'ignored';
  }

  async #group(location: string): Promise<Outcome> {
    const TagSpecifications = tagsFor(['security-group'], this.#tags());
    const about = { GroupName: NAME, Description: NAME, TagSpecifications };
    const made = await this.#ec2.dryRun(location, new CreateSecurityGroupCommand({ DryRun: true, ...about }));
    if (!made) return 'allowed';
    if (made.GroupId)
      await this.#ec2.send(location, new DeleteSecurityGroupCommand({ GroupId: made.GroupId }));
    return 'ignored';
  }

  async #keyPair(location: string): Promise<Outcome> {
    const TagSpecifications = tagsFor(['key-pair'], this.#tags());
    const key = { KeyName: NAME, PublicKeyMaterial: Buffer.from(PUBLIC_KEY), TagSpecifications };
    const made = await this.#ec2.dryRun(location, new ImportKeyPairCommand({ DryRun: true, ...key }));
    if (!made) return 'allowed';
    await this.#ec2.send(location, new DeleteKeyPairCommand({ KeyName: NAME }));
    return 'ignored';
  }

  #tags(): Record<string, string> {
    return { [DEPLOYMENT_TAG]: this.#deploymentId };
  }
}

type Outcome = 'allowed' | 'ignored';

async function answerOf(call: () => Promise<Outcome>): Promise<DeniedRight | Outcome> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof DriverError) || ENDS_THE_CHECK.has(error.code)) throw error;
    if (error.code !== 'Forbidden') return 'allowed';
    const { call: name = 'ec2', cloudCode = error.code, message } = error;
    return { call: name, code: cloudCode, message };
  }
}

/** Errors that say nothing about a right, and that further calls would get, too. */
const ENDS_THE_CHECK: ReadonlySet<string> = new Set(['Unauthorized', 'Throttled', 'Unavailable', 'NoPermit']);
