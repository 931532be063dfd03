import { DescribeKeyCommand, type KeyMetadata, KMSClient } from '@aws-sdk/client-kms';
import type { NamedKey } from '../../model/disk.ts';
import { DriverError } from '../contract/errors.ts';
import type { MachineFault } from '../contract/machine-checks.ts';
import { ask } from './ask.ts';
import type { Ec2, Ec2Options } from './ec2.ts';
import { clientSettings } from './settings.ts';

/** States in which EBS can use a key. `Updating`: the key becomes the primary key of its replicas. */
const USABLE_STATES: ReadonlySet<string> = new Set(['Enabled', 'Updating']);
/** The key of EBS itself. The other keys that AWS manages belong to other services. */
const KEY_OF_EBS = 'alias/aws/ebs';

/** Errors after which a check is repeated. */
const REPEATED: ReadonlySet<string> = new Set(['NoPermit', 'Throttled', 'Unauthorized', 'Unavailable']);

/** Checks whether EBS can encrypt disks with the keys that users name. */
export class EncryptionKeys {
  readonly #ec2: Pick<Ec2, 'requireRegion'>;
  readonly #options: Ec2Options;
  readonly #clients = new Map<string, KMSClient>();

  constructor(ec2: Pick<Ec2, 'requireRegion'>, options: Ec2Options) {
    this.#ec2 = ec2;
    this.#options = options;
  }

  /**
   * Reads each key once. KMS does not tell all rights that a launch needs: for example, whether the credential may create
   * grants on the key.
   */
  async findFaults(location: string, keys: readonly NamedKey[]): Promise<MachineFault[]> {
    await this.#ec2.requireRegion(location);
    const faults = new Map<string, Fault | undefined>();
    for (const id of new Set(keys.map((key) => key.id))) faults.set(id, await this.#faultOf(location, id));
    return keys.flatMap(({ field, id }) => {
      const fault = faults.get(id);
      return fault ? [{ field, ...fault }] : [];
    });
  }

  async #faultOf(location: string, id: string): Promise<Fault | undefined> {
    const region = /^arn:[a-z-]+:kms:([^:]*):/.exec(id)?.[1];
    if (region !== undefined && region !== location) {
      const message = `key ${id} is in region ${region}, and the disks in ${location}: EBS needs a key of the same region`;
      return { code: 'other-location', message };
    }
    try {
      const call = { action: 'kms:DescribeKey', kind: 'list', location, isOptional: true } as const;
      const { KeyMetadata: key } = await ask(this.#options, call, (options) =>
        this.#client(location).send(new DescribeKeyCommand({ KeyId: id }), options),
      );
      return key && unusable(location, id, key);
    } catch (error) {
      if (!(error instanceof DriverError) || REPEATED.has(error.code)) throw error;
      return refused(location, id, error);
    }
  }

  #client(location: string): KMSClient {
    const known = this.#clients.get(location);
    if (known) return known;
    const { endpoint, keys, requestHandler } = this.#options;
    const settings = clientSettings('kms', location, endpoint, requestHandler);
    const client = new KMSClient({ ...settings, credentials: keys });
    this.#clients.set(location, client);
    return client;
  }
}

type Fault = Omit<MachineFault, 'field'>;

/** KMS's codes for a key that it does not have, or whose name it cannot read. */
const UNKNOWN: ReadonlySet<string> = new Set([
  'InvalidArnException',
  'InvalidKeyId',
  'NotFoundException',
  'ValidationException',
]);

/** Returns the fault that a refusal of DescribeKey shows; undefined if the refusal says nothing about the key. */
function refused(
  location: string,
  id: string,
  { code, cloudCode = '', message }: DriverError,
): Fault | undefined {
  if (UNKNOWN.has(cloudCode))
    return { code: 'unknown-encryption-key', message: `${location} has no encryption key ${id}: ${message}` };
  if (code !== 'Forbidden') return undefined;
  const advice = `allow the credential the rights on key ${id} that docs/drivers/aws.md lists`;
  return { code: 'denied-encryption-key', message: `${message}; ${advice}` };
}

function unusable(
  location: string,
  id: string,
  { KeyState, KeyUsage, KeySpec, KeyManager }: KeyMetadata,
): Fault | undefined {
  const fault = (words: string): Fault => ({
    code: 'not-usable',
    message: `encryption key ${id} ${words} at ${location}`,
  });
  if (KeyState !== undefined && !USABLE_STATES.has(KeyState)) return fault(`is ${KeyState}`);
  if (KeyUsage !== undefined && KeyUsage !== 'ENCRYPT_DECRYPT')
    return fault(`is for ${KeyUsage}, and not for ENCRYPT_DECRYPT,`);
  if (KeySpec !== undefined && KeySpec !== 'SYMMETRIC_DEFAULT')
    return fault(`is of the kind ${KeySpec}, and EBS needs SYMMETRIC_DEFAULT,`);
  if (KeyManager === 'AWS' && id.includes('alias/aws/') && !id.endsWith(KEY_OF_EBS))
    return fault(`belongs to another service of AWS than EBS`);
  return undefined;
}
