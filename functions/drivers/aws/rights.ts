import {
  CreateSecurityGroupCommand,
  CreateVpcCommand,
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
/** Well-formed ids that no image and no machine has. */
const NO_IMAGE = 'ami-00000000000000000';
const NO_MACHINE = 'i-00000000000000000';
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
   * default VPC, counts as allowed. An endpoint that ignores `DryRun` ends the check at its first call.
   */
  async denied(location: string): Promise<DeniedRight[]> {
    const tags = { [DEPLOYMENT_TAG]: this.#deploymentId };
    const image = (await this.#parameters.read(location, [IMAGE_PARAMETER])).get(IMAGE_PARAMETER);
    const run = new RunInstancesCommand({
      DryRun: true,
      ImageId: image ?? NO_IMAGE,
      InstanceType: TYPE,
      MinCount: 1,
      MaxCount: 1,
      MetadataOptions: { HttpTokens: 'required' },
      TagSpecifications: tagsFor(['instance', 'volume', 'network-interface'], tags),
    });
    const denied = await this.#ask(() => this.#ec2.dryRun(location, run));
    if (denied === 'ignored') return [];
    const others = [
      () => this.#ec2.send(location, new DescribeInstancesCommand({ MaxResults: 5 })),
      () =>
        this.#ec2.dryRun(
          location,
          new CreateVpcCommand({
            DryRun: true,
            CidrBlock: '10.0.0.0/16',
            TagSpecifications: tagsFor(['vpc'], tags),
          }),
        ),
      () =>
        this.#ec2.dryRun(
          location,
          new CreateSecurityGroupCommand({
            DryRun: true,
            GroupName: NAME,
            Description: NAME,
            TagSpecifications: tagsFor(['security-group'], tags),
          }),
        ),
      () =>
        this.#ec2.dryRun(
          location,
          new ImportKeyPairCommand({
            DryRun: true,
            KeyName: NAME,
            PublicKeyMaterial: Buffer.from(PUBLIC_KEY),
            TagSpecifications: tagsFor(['key-pair'], tags),
          }),
        ),
      () =>
        this.#ec2.dryRun(
          location,
          new TerminateInstancesCommand({ DryRun: true, InstanceIds: [NO_MACHINE] }),
        ),
    ];
    const answers: (DeniedRight | 'allowed' | 'ignored')[] = [denied];
    for (const ask of others) answers.push(await this.#ask(ask));
    return answers.flatMap((one) => (typeof one === 'object' ? [one] : []));
  }

  async #ask(call: () => Promise<unknown>): Promise<DeniedRight | 'allowed' | 'ignored'> {
    try {
      return (await call()) === 'ignored' ? 'ignored' : 'allowed';
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      if (error.code === 'Forbidden') {
        const { call: name = 'ec2', cloudCode = error.code, message } = error;
        return { call: name, code: cloudCode, message };
      }
      if (ENDS_THE_CHECK.has(error.code)) throw error;
      return 'allowed';
    }
  }
}

/** Errors that say nothing about a right, and that further calls would get, too. */
const ENDS_THE_CHECK: ReadonlySet<string> = new Set(['Unauthorized', 'Throttled', 'Unavailable', 'NoPermit']);
