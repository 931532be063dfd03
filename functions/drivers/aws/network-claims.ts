import {
  CreateLaunchTemplateCommand,
  DeleteLaunchTemplateCommand,
  DescribeLaunchTemplatesCommand,
  type LaunchTemplate,
} from '@aws-sdk/client-ec2';
import { DEPLOYMENT_TAG } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { Ec2 } from './ec2.ts';
import { unless } from './errors.ts';
import { filter, isOf, NAME_TAG, NETWORK_TAG, tagFilter, tagsFor, tagValue } from './tags.ts';

/** Records which VPC has a network's name. */
export interface NetworkClaim {
  /** The network's name at EC2. */
  name: string;
  vpcId: string;
  createdAt: Date | undefined;
}

/**
 * Ensures that one network name has one VPC. EC2's VPCs have no unique names, and CreateVpc accepts no idempotency
 * token. Therefore two concurrent calls would make two VPCs. Launch templates have unique names. After making a VPC,
 * the driver makes a launch template with the network's name and the VPC's id (the claim). Only one of several
 * concurrent calls can make the template. The other calls use the VPC that the template names. No machine is launched
 * from the template.
 */
export class NetworkClaims {
  readonly #ec2: Ec2;
  readonly #deploymentId: string;

  constructor(ec2: Ec2, deploymentId: string) {
    this.#ec2 = ec2;
    this.#deploymentId = deploymentId;
  }

  /** Reads the claim of a name. @throws DriverError Conflict if a template outside this deployment has the name */
  async find(location: string, name: string): Promise<NetworkClaim | undefined> {
    const [template] = await this.#templates(location, [filter('launch-template-name', name)]);
    if (!template) return undefined;
    const claim = isOf(this.#deploymentId, template) ? claimOf(template) : undefined;
    if (claim) return claim;
    throw new DriverError(
      'Conflict',
      `the launch template ${name} in ${location} does not belong to this deployment`,
    );
  }

  /**
   * Claims the name for a VPC. @returns the id of the VPC that has the name: `vpcId`, or the VPC of an earlier claim
   */
  async claim(location: string, name: string, vpcId: string, tags: Record<string, string>): Promise<string> {
    try {
      await this.#ec2.send(
        location,
        new CreateLaunchTemplateCommand({
          LaunchTemplateName: name,
          VersionDescription: `says that ${vpcId} has this name`,
          // EC2 refuses an empty template.
          LaunchTemplateData: { MetadataOptions: { HttpTokens: 'required' } },
          TagSpecifications: tagsFor(['launch-template'], { ...tags, [NETWORK_TAG]: vpcId }),
        }),
      );
      return vpcId;
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
      const first = await this.find(location, name);
      if (first) return first.vpcId;
      throw new DriverError('Unavailable', `EC2 does not show yet which VPC has the name ${name}`, {
        cause: error,
      });
    }
  }

  /** Lists every claim of this deployment. */
  async list(location: string): Promise<NetworkClaim[]> {
    const templates = await this.#templates(location, [
      tagFilter(DEPLOYMENT_TAG, this.#deploymentId),
      filter('tag-key', NETWORK_TAG),
    ]);
    return templates.flatMap((template) => claimOf(template) ?? []);
  }

  async release(location: string, vpcId: string): Promise<void> {
    const templates = await this.#templates(location, [
      tagFilter(DEPLOYMENT_TAG, this.#deploymentId),
      tagFilter(NETWORK_TAG, vpcId),
    ]);
    for (const { LaunchTemplateId } of templates) {
      await unless(['NotFound'], () =>
        this.#ec2.send(location, new DeleteLaunchTemplateCommand({ LaunchTemplateId })),
      );
    }
  }

  async #templates(
    location: string,
    Filters: { Name: string; Values: string[] }[],
  ): Promise<LaunchTemplate[]> {
    return await this.#ec2.all(
      (NextToken) => this.#ec2.send(location, new DescribeLaunchTemplatesCommand({ Filters, NextToken })),
      ({ LaunchTemplates }) => LaunchTemplates,
    );
  }
}

function claimOf({ LaunchTemplateName, CreateTime, Tags }: LaunchTemplate): NetworkClaim | undefined {
  const vpcId = tagValue(Tags, NETWORK_TAG);
  const name = tagValue(Tags, NAME_TAG) ?? LaunchTemplateName;
  return vpcId === undefined || name === undefined ? undefined : { name, vpcId, createdAt: CreateTime };
}
