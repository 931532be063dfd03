import type { InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';

/** EC2's words about a key of KMS, in codes and messages. */
const ABOUT_A_KEY = /kms|customer ?key/i;

/**
 * Runs a launch. If EC2 refuses it because of an encryption key, the error's message names the keys of the disks, because
 * EC2's own words may not.
 */
export async function namingKeys<Answer>(
  { rootDisk, dataDisks = [] }: Pick<InstanceSpec, 'rootDisk' | 'dataDisks'>,
  launch: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await launch();
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const isAboutKey = ABOUT_A_KEY.test(`${error.cloudCode} ${error.message}`);
    const named = [rootDisk, ...dataDisks].flatMap((disk) => disk?.encryptionKeyId ?? []);
    const keys = [...new Set(named)].filter((key) => !error.message.includes(key));
    if (isAboutKey && keys.length > 0)
      error.message += ` (the disks of the machine are encrypted with ${keys.join(', ')})`;
    throw error;
  }
}
