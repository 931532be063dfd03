import {
  DeleteKeyPairCommand,
  DescribeKeyPairsCommand,
  ImportKeyPairCommand,
  type KeyPairInfo,
} from '@aws-sdk/client-ec2';
import { type CloudNetworkResource, DEPLOYMENT_TAG, type KeyPairSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { parseResourceName, resourceName } from '../contract/names.ts';
import type { Ec2 } from './ec2.ts';
import { unless } from './errors.ts';
import { filter, isOf, NAME_TAG, tagFilter, tagsFor } from './tags.ts';

/**
 * Manages key pairs. A key pair's name is unique in its region, and launches refer to the key pair by name. Therefore
 * the name is the backend id.
 */
export class KeyPairs {
  readonly #ec2: Ec2;
  readonly #deploymentId: string;

  constructor(ec2: Ec2, deploymentId: string) {
    this.#ec2 = ec2;
    this.#deploymentId = deploymentId;
  }

  async ensure({ location, name, publicKey, tags }: KeyPairSpec): Promise<{ backendId: string }> {
    const called = resourceName(this.#deploymentId, name);
    const all = { ...tags, [NAME_TAG]: called, [DEPLOYMENT_TAG]: this.#deploymentId };
    try {
      await this.#ec2.send(
        location,
        new ImportKeyPairCommand({
          KeyName: called,
          PublicKeyMaterial: Buffer.from(publicKey),
          TagSpecifications: tagsFor(['key-pair'], all),
        }),
      );
      return { backendId: called };
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
    }
    const [known] = await this.#keys(location, [filter('key-name', called)]);
    if (!known) throw new DriverError('Unavailable', `EC2 does not show the key pair ${called} yet`);
    if (isOf(this.#deploymentId, known)) return { backendId: called };
    throw new DriverError(
      'Conflict',
      `the key pair ${called} in ${location} does not belong to this deployment`,
    );
  }

  async find(location: string, name: string): Promise<string | undefined> {
    const called = resourceName(this.#deploymentId, name);
    const keys = await this.#keys(location, [filter('key-name', called)]);
    return keys.find((key) => isOf(this.#deploymentId, key))?.KeyName;
  }

  async list(location: string): Promise<CloudNetworkResource[]> {
    const keys = await this.#keys(location, [tagFilter(DEPLOYMENT_TAG, this.#deploymentId)]);
    return keys.map(({ KeyName = '', CreateTime }) => ({
      kind: 'key-pair',
      backendId: KeyName,
      name: parseResourceName(this.#deploymentId, KeyName) ?? KeyName,
      ...(CreateTime ? { createdAt: CreateTime.toISOString() } : {}),
    }));
  }

  async delete(location: string, KeyName: string): Promise<void> {
    await unless(['NotFound'], () => this.#ec2.send(location, new DeleteKeyPairCommand({ KeyName })));
  }

  /** Lists key pairs in one call: EC2 does not divide this list into pages. */
  async #keys(location: string, Filters: { Name: string; Values: string[] }[]): Promise<KeyPairInfo[]> {
    const { KeyPairs: keys } = await this.#ec2.send(location, new DescribeKeyPairsCommand({ Filters }));
    return keys ?? [];
  }
}
